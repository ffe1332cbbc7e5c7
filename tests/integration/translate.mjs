#!/usr/bin/env node
// The CMMS's own words in people's languages: against a stub of LibreTranslate (form of the requests, cache,
// slow, down) and against a real engine (Debian's apertium-apy with its English-Spanish pair).
import {spawn} from 'node:child_process'
import http from 'node:http'
import {ANA, JOHN, META, OMAR, Plant, TWILIO, assert, call, freePort, order, run, test, until} from './lib.mjs'

// Answers "<text in target>"; hang: never; status: an error.
class Libre {
  asked = []
  async start() {
    this.server = http.createServer((req, res) => {
      const parts = []
      req.on('data', d => parts.push(d))
      req.on('end', () => {
        const body = JSON.parse(Buffer.concat(parts).toString())
        this.asked.push({method: req.method, path: req.url, type: req.headers['content-type'], body})
        if (this.hang) return
        res.writeHead(this.status ?? 200, {'content-type': 'application/json'})
        res.end(JSON.stringify({translatedText: `${body.target}(${body.q})`}))
      })
    })
    await new Promise(done => this.server.listen(0, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    return this
  }
  async stop() {
    this.server.closeAllConnections()
    await new Promise(done => this.server.close(done))
  }
}

const libre = await new Libre().start()
const plant = await new Plant({file: {translate: {url: `${libre.url}/`, api_key: 'k-123', timeout_ms: 1500, cache_days: 2}}}).start()
await plant.person('ana', ANA, {language: 'es'})
await plant.person('john', JOHN)
await plant.person('omar', OMAR, {language: 'ar'}, TWILIO.number)

let n = 0
const assign = async (people, more = {}) => {
  const o = order(++n, {assignees: people.map(id => ({id})), ...more})
  const began = Date.now()
  const r = await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
  return {o, began}
}
const about = o => m => m.text?.includes(o.number)

test('title and description come in each language, marked; what is in the CMMS\'s language is not touched', async () => {
  const {o} = await assign(['ana', 'john', 'omar'], {title: 'Grease the gears', description: 'Use the red grease.'})
  const ana = await plant.expect(ANA, about(o))
  assert.match(ana.text, /\*Título:\* 🌐 es\(Grease the gears\)/)
  assert.match(ana.text, /🌐 es\(Use the red grease\.\)/)
  assert.match(ana.text, /Responde \*ORIGINAL\*/)
  const omar = await plant.expect(OMAR, about(o))
  assert.match(omar.text, /ar\(Grease the gears\)/)
  const john = await plant.expect(JOHN, about(o))
  assert.match(john.text, /\*Title:\* Grease the gears/)
  assert.doesNotMatch(john.text, /🌐|ORIGINAL/)
  assert.equal(libre.asked.length, 4)
  assert.deepEqual(libre.asked.find(a => a.body.q === 'Grease the gears' && a.body.target === 'es'), {method: 'POST', path: '/translate',
    type: 'application/json', body: {q: 'Grease the gears', source: 'en', target: 'es', format: 'text', api_key: 'k-123'}})
})

test('the same words are not asked for again, not even by a gateway that was started anew; Redis holds no plain text', async () => {
  await until('all sends to be recorded', () => plant.quiet())
  await plant.kill()
  await plant.startGateway()
  const before = libre.asked.length
  const {o} = await assign(['ana'], {title: 'Grease the gears', description: 'Use the red grease.'})
  assert.match((await plant.expect(ANA, about(o))).text, /es\(Grease the gears\)/)
  assert.equal(libre.asked.length, before)
  const keys = (await plant.redis('--scan', '--pattern', '{acme}:t[ro]:*')).split('\n').filter(k => k)
  assert.ok(keys.length >= 4, keys.join())
  for (const key of keys) {
    assert.doesNotMatch(await plant.redis('GET', key), /gears|grease/)
    const ms = Number(await plant.redis('PTTL', key))
    assert.ok(ms > 86400000 && ms <= 2 * 86400000, `${key}: ${ms}`)
  }
})

test('the original is one word away, by quote; and one tap, where there is room for a button', async () => {
  const {o} = await assign(['ana'], {title: 'Check the oil', description: ''})
  const told = await plant.expect(ANA, about(o))
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'original', quote: told.id})
  await plant.expect(ANA, m => m.text === 'Check the oil')
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'ENTERADO', quote: told.id})
  await plant.expect(ANA, 'Recepción')
  await plant.event('cmms.workorder.comment_added.v1', {workorder: {...o, status: 'acknowledged', rev: 3},
    comment: {author: 'Bo', text: 'Mind the step'}}, {subject: o.number})
  const note = await plant.expect(ANA, 'es(Mind the step)')
  const button = note.buttons.find(b => b.title === 'Original')
  assert.ok(button, JSON.stringify(note.buttons))
  await plant.inbound({from: ANA, to: META.number, type: 'button', button, quote: note.id})
  await plant.expect(ANA, m => m.text === 'Mind the step')
})

test('what is critical goes at once, as it is', async () => {
  const before = libre.asked.length
  const {o} = await assign(['ana'], {title: 'Gas leak in hall 2', priority: 'critical'})
  const m = await plant.expect(ANA, about(o))
  assert.match(m.text, /\*Título:\* Gas leak in hall 2/)
  assert.equal(libre.asked.length, before)
})

test('a service that errs: untranslated, and nothing says that it is', async () => {
  libre.status = 500
  const {o} = await assign(['ana'], {title: 'Sweep the yard', description: ''})
  const m = await plant.expect(ANA, about(o))
  assert.match(m.text, /\*Título:\* Sweep the yard/)
  assert.doesNotMatch(m.text, /🌐|ORIGINAL/)
  libre.status = undefined
})

test('a service that hangs: untranslated after its time, then it is left alone for a while', async () => {
  libre.hang = true
  const slow = await assign(['ana'], {title: 'Paint the door', description: ''})
  await plant.expect(ANA, about(slow.o))
  const waited = Date.now() - slow.began
  assert.ok(waited >= 1300 && waited < 4000, `${waited} ms`)
  for (let i = 0; i < 4; i++) {
    const {o} = await assign(['ana'], {title: `Paint window ${i}a`, description: ''})
    await plant.expect(ANA, about(o))
  }
  const before = libre.asked.length
  const {o} = await assign(['ana'], {title: 'Paint the gate', description: ''})
  await plant.expect(ANA, about(o))
  assert.equal(libre.asked.length, before, 'it rests')
  libre.hang = false
})

test('a service on a private address is refused like a callback', async () => {
  const r = await plant.command('check', '--config', plant.config)
  assert.doesNotMatch(r.out + r.err, /translate\.url/)
  plant.o.env.CREWLINE_ALLOW_PRIVATE_CALLBACKS = 'false'
  const refused = await plant.command('check', '--config', plant.config)
  delete plant.o.env.CREWLINE_ALLOW_PRIVATE_CALLBACKS
  assert.notEqual(refused.code, 0)
  assert.match(refused.out + refused.err, /translate\.url/)
})

test('a real engine: Apertium turns English into Spanish', async () => {
  const port = await freePort()
  const apy = spawn('apertium-apy', ['-p', String(port), '-j', '1', '/usr/share/apertium/modes'], {stdio: 'ignore'})
  try {
    const url = `http://127.0.0.1:${port}`
    // Its first answer loads the pair: that is before our time begins.
    await until('apertium-apy', () => call('GET', `${url}/translate?langpair=eng%7Cspa&q=water`).then(r => r.status === 200, () => false), 60000)
    const real = await new Plant({twilio: false, file: {translate: {url, dialect: 'apertium'}}}).start()
    await real.person('ana', ANA, {language: 'es'})
    const o = order(1, {assignees: [{id: 'ana'}], title: 'Replace the water pump', description: 'The machine is very old & noisy.'})
    await real.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
    const m = await real.expect(ANA, about(o))
    console.log(m.text.split('\n').filter(l => l.includes('🌐')).join('\n'))
    assert.match(m.text, /\*Título:\* 🌐 .*bomba/)
    assert.match(m.text, /🌐 .*máquina/)
    await real.stop()
  } finally {
    apy.kill('SIGKILL')
  }
})

await run()
