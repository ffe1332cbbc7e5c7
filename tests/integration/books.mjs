#!/usr/bin/env node
// The books: `crewline prove` balances under load and at rest, and names what somebody took out of Redis.
import {ANA, JOHN, META, Plant, assert, order, run, test, until} from './lib.mjs'

const plant = await new Plant({twilio: false, sandbox: ['--window-open'],
  file: {callbacks: {schedule_ms: [200, 200], timeout_ms: 2000}}}).start()
await plant.person('u1', ANA)
await plant.person('u2', JOHN)

const prove = (...more) => plant.command('prove', '--config', plant.config, ...more)
const books = async () => {
  const r = await prove('--json')
  assert.ok(r.out.startsWith('{'), r.out + r.err)
  const all = JSON.parse(r.out)
  assert.equal(r.code, all.balanced ? 0 : 1)
  return all.tenants[0]
}
const balanced = async () => {
  const t = await books()
  assert.deepEqual(t.unbalanced, [])
  return t
}
const send = async (more = {}) => {
  const r = await plant.api('POST', '/api/v1/messages', {to: {user: 'u1'}, kind: 'text', text: 'hello', ...more})
  assert.equal(r.status, 202, r.text)
  return r.json.id
}
const state = async id => (await plant.api('GET', `/api/v1/messages/${id}`)).json.state
// In one look: between two of them an item goes from one to the other.
const LOOK = `local n = 0
  for _, queue in ipairs({'in', 'out:meta', 'cb'}) do
    n = n + redis.call('HLEN', KEYS[1] .. 'k:' .. queue)
    for prio = 0, 4 do n = n + redis.call('ZCARD', KEYS[1] .. 'r:' .. queue .. ':' .. prio) end
  end
  return n`
const idle = () => until('idle', async () => await plant.redis('EVAL', LOOK, '1', '{acme}:') === '0')
const keys = async pattern => (await plant.redis('--scan', '--pattern', pattern)).split('\n').filter(Boolean)

test('at rest: all is done, delivered, taken', async () => {
  await plant.event('cmms.workorder.created.v1', {workorder: order(1, {assignees: [{id: 'u1'}]})})
  const id = await send()
  await until('its delivery', async () => ['delivered', 'read'].includes(await state(id)))
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'ACK 001'})
  await until('the event', () => plant.cmms.taken().some(e => e.type === 'gateway.workorder.acknowledged.v1'))
  await idle()
  const t = await balanced()
  assert.equal(t.inputs.waiting + t.inputs.dead, 0, JSON.stringify(t))
  assert.ok(t.inputs.done >= 6, JSON.stringify(t))
  assert.equal(t.events.taken, plant.cmms.taken().length)
  const later = await send({send_at: new Date(Date.now() + 3600e3).toISOString()})
  const all = await balanced()
  assert.equal(all.messages.queued, 1)
  assert.equal(await state(later), 'queued')
  const text = await prove()
  assert.equal(text.code, 0)
  assert.match(text.out, /^acme: balanced\n {2}inputs +\d+: \d+ done, 0 waiting, 0 dead\n {2}messages \d+: .*\n {2}events +\d+: /)
})

test('--since leaves out what is older; wrong ones are 64', async () => {
  const none = JSON.parse((await prove('--json', '--since', new Date(Date.now() + 60e3).toISOString())).out).tenants[0]
  assert.equal(none.inputs.done + none.messages.delivered + none.messages.read + none.events.taken, 0, JSON.stringify(none))
  const some = JSON.parse((await prove('--json', '--since', '1h')).out).tenants[0]
  assert.ok(some.inputs.done > 0)
  assert.equal((await prove('--since', 'yesterday')).code, 64)
  assert.equal((await prove('--tenant', 'nobody')).code, 1)
})

test('under load nothing that moves looks lost', async () => {
  let on = true, n = 0
  const load = (async () => {
    while (on) {
      await Promise.all([send({text: `m ${n}`}), send({to: {user: 'u2'}}), plant.inbound({from: JOHN, to: META.number, type: 'text', text: `NOTE 001 note ${n++}`}),
        plant.event('cmms.workorder.comment_added.v1', {workorder: order(1, {rev: 2 + n, assignees: [{id: 'u1'}]}), comment: {id: `c${n}`, text: 'x', author: 'y'}})])
    }
  })()
  for (let i = 0; i < 6 || n <= 5; i++) await balanced()
  on = false
  await load
  await idle()
  await balanced()
})

// Each takes something away behind the gateway's back; what it names must be named, and with it back all balances.
const named = async (kind, id, reason) => {
  const t = await books()
  const hit = t.unbalanced.find(u => u.kind === kind && u.id === id)
  assert.ok(hit, `${kind} ${id} is named: ${JSON.stringify(t.unbalanced)}`)
  assert.match(hit.reason, reason)
  assert.equal(t.unbalanced.length, 1, JSON.stringify(t.unbalanced))
}

test('a corrupted key is named: messages', async () => {
  const id = await send({send_at: new Date(Date.now() + 7200e3).toISOString()})
  await balanced()
  const key = `{acme}:m:${id}`, sealed = await plant.redis('HGET', key, 'l')
  await plant.redis('ZREM', '{acme}:s:out:meta', `${sealed}\n${id}`)
  await named('message', id, /in no lane/)
  await plant.redis('ZADD', '{acme}:s:out:meta', String(Date.now() + 7200e3), `${sealed}\n${id}`)
  await plant.redis('ZREM', '{acme}:mx', id)
  await named('message', id, /not in the list/)
  await plant.redis('ZADD', '{acme}:mx', '0', id)
  await plant.redis('HSET', key, 's', 'lost')
  await named('message', id, /no state that is known/)
  await plant.redis('HSET', key, 's', 'queued')
  await plant.redis('COPY', key, '{acme}:kept-aside')
  await plant.redis('HSET', key, 'b', 'nothing that opens')
  await named('message', id, /does not open/)
  await plant.redis('DEL', key)
  await named('message', id, /gone/)
  await plant.redis('RENAME', '{acme}:kept-aside', key)
  await balanced()
})

test('a corrupted key is named: inputs', async () => {
  plant.gateway.kill('SIGSTOP') // it takes nothing up meanwhile
  await plant.redis('HSET', '{acme}:i:01KAAAAAAAAAAAAAAAAAAAAAAA', 'b', 'x')
  await named('input', '01KAAAAAAAAAAAAAAAAAAAAAAA', /in no lane/)
  await plant.redis('DEL', '{acme}:i:01KAAAAAAAAAAAAAAAAAAAAAAA')
  const turn = (await keys('{acme}:ei:*'))[0], lines = (await plant.redis('GET', turn)).split('\n')
  await plant.redis('SET', turn, lines.slice(1).join('\n') + '\n')
  await named('input', lines[0], /no trace/)
  await plant.redis('SET', turn, lines[0] + '\n' + lines.join('\n') + '\n')
  await named('input', lines[0], /more than once/)
  await plant.redis('SET', turn, lines.join('\n') + '\n')
  plant.gateway.kill('SIGCONT')
  await balanced()
})

test('a corrupted key is named: events', async () => {
  const last = Number(await plant.redis('GET', '{acme}:seq'))
  await plant.redis('SETBIT', '{acme}:es:0', '2', '0')
  await named('event', '2', /in no lane/)
  await plant.redis('SETBIT', '{acme}:es:0', '2', '1')
  await balanced()
  await plant.redis('SET', '{acme}:seq', String(last + 2))
  await named('event', `${last + 1} to ${last + 2}`, /not kept/)
  await plant.redis('SET', '{acme}:seq', String(last))
  await plant.redis('XDEL', '{acme}:ev', '3-0')
  await named('event', '3', /missing/)
})

test('a dead letter is an end, and so is its replay', async () => {
  // This one only: what crewline says of such a CMMS (gateway.system.alert) is taken.
  plant.cmms.answer = post => ({status: post.event.type === 'gateway.workorder.note_added.v1' ? 500 : 204})
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'NOTE 001 nobody wants it'})
  const dead = await until('a dead letter', async () => (await plant.api('GET', '/api/v1/dead_letters')).json.items.find(d => d.kind === 'callback'))
  assert.equal((await books()).events.dead, 1)
  plant.cmms.answer = () => ({status: 204})
  assert.equal((await plant.api('POST', `/api/v1/dead_letters/${encodeURIComponent(dead.id)}/replay`)).status, 202)
  await until('it is taken', () => plant.cmms.taken().some(e => e.data.text?.endsWith('nobody wants it')))
  await idle()
  const {events} = await books()
  assert.deepEqual([events.waiting, events.dead], [0, 0], JSON.stringify(events))
})

await run()
