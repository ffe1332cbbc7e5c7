#!/usr/bin/env node
// How fast a command is answered inside the gateway when much is stored: 10,000 people and 100,000 work orders, then
// commands of all kinds, a steady number a second. The figure is the gateway's own (crewline_command_seconds: from the
// acceptance of the webhook to the commit of its effects and its answer); the phone's is told beside it.
//
//     bench/large.mjs [--people 10000] [--orders 100000] [--rate 200] [--seconds 20]
//
// The binaries are those of $CREWLINE_TEST_BUILD, or build/.
import {META, Plant, assert, call, order, sleep, until} from '../tests/integration/lib.mjs'
import crypto from 'node:crypto'
import http from 'node:http'

const o = {people: 10000, orders: 100000, rate: 200, seconds: 20}
for (let i = 2; i < process.argv.length; i += 2) o[process.argv[i].replace(/^--/, '')] = Number(process.argv[i + 1])

const plant = await new Plant({twilio: false, callback: false, rate: 0, phones: [], sandbox: ['--ledger-max', '1000000', '--window-open', '--read-ms', '0']}).start()
const agent = new http.Agent({keepAlive: true, maxSockets: 32})
const phone = i => `+1202${String(5000000 + i)}`

function post(at, body, headers) {
  return new Promise((done, fail) => {
    const r = http.request({agent, host: '127.0.0.1', port: plant.port, method: 'POST', path: at, headers: {...headers, 'content-length': Buffer.byteLength(body)}}, res => {
      let text = ''
      res.on('data', d => { text += d })
      res.on('end', () => res.statusCode < 300 ? done(text) : fail(new Error(`${at}: ${res.statusCode} ${text.slice(0, 300)}`)))
    })
    r.on('error', fail)
    r.end(body)
  })
}
const key = {authorization: `Bearer ${plant.key}`}
async function inTurn(n, width, fn) { // n pieces, `width` at once
  let next = 0
  await Promise.all(Array.from({length: width}, async () => { while (next < n) await fn(next++) }))
}

let began = Date.now()
await inTurn(Math.ceil(o.people / 1000), 1, async part => {
  const people = Array.from({length: Math.min(1000, o.people - part * 1000)}, (_, k) => part * 1000 + k)
  const r = await call('POST', `${plant.url}/api/v1/users/import`, {body: people.map(i => ({id: `p${i}`, name: `P ${i}`, phone: phone(i), verified: true,
    roles: ['technician'], teams: [`team${i % 200}`], site: `site${i % 50}`, language: ['en', 'es', 'hi', 'ar'][i % 4]})), headers: key, timeout: 120000})
  assert.equal(r.status, 200, r.text)
})
console.log(`${o.people} people in ${Date.now() - began} ms`)
began = Date.now()
const statuses = ['open', 'acknowledged', 'in_progress', 'completed']
await inTurn(Math.ceil(o.orders / 100), 4, async part => {
  const events = Array.from({length: Math.min(100, o.orders - part * 100)}, (_, k) => {
    const n = part * 100 + k
    const w = {...order(n, {assignees: [{id: `p${n % o.people}`}], status: statuses[n % 4], due_at: undefined}), number: `WO-2026-${String(n).padStart(6, '0')}`}
    return {specversion: '1.0', id: `e${n}`, source: '/cmms/acme', type: 'cmms.workorder.updated.v1', subject: w.number, data: {workorder: w, changed: []}}
  })
  await post('/api/v1/events', JSON.stringify(events), {...key, 'content-type': 'application/cloudevents-batch+json'})
})
const waits = async () => Number(await plant.redis('ZCARD', '{acme}:ol'))
await until('all orders', async () => { await sleep(300); return await waits() >= o.orders }, 1200000)
console.log(`${o.orders} orders in ${Date.now() - began} ms`)
await until('quiet', async () => { await sleep(500); return (await plant.redis('ZCARD', '{acme}:f:in')) === '0' && (await plant.redis('ZCARD', '{acme}:f:out:meta')) === '0' }, 600000)

const metrics = async () => {
  const text = (await call('GET', `${plant.url}/metrics`, {headers: key})).text
  const buckets = [...text.matchAll(/crewline_command_seconds_bucket\{le="([^"]+)"\} (\d+)/g)].map(m => [m[1] === '+Inf' ? Infinity : Number(m[1]), Number(m[2])])
  return {buckets, rss: Number(text.match(/process_resident_memory_bytes (\S+)/)?.[1] ?? 0)}
}
const say = (i, id, text) => {
  const body = JSON.stringify({object: 'whatsapp_business_account', entry: [{id: META.waba, changes: [{field: 'messages', value: {
    messaging_product: 'whatsapp', metadata: {display_phone_number: META.number.slice(1), phone_number_id: META.id},
    contacts: [{profile: {name: `P ${i}`}, wa_id: phone(i).slice(1)}],
    messages: [{from: phone(i).slice(1), id, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: {body: text}}]}}]}]})
  return post('/whatsapp/webhook', body, {'content-type': 'application/json',
    'x-hub-signature-256': 'sha256=' + crypto.createHmac('sha256', META.secret).update(body).digest('hex')})
}
const number = i => `WO-2026-${String(i).padStart(6, '0')}`
const commands = [i => 'MY WORK', i => 'STATUS', i => `/wo ${number(i)}`, i => `NOTE ${number(i)} checked.`, i => 'PENDING', i => `ACK ${number(i)}`, i => `START ${number(i)}`, i => 'HELP']
const before = await metrics()
began = Date.now()
let sent = 0, open = 0, wrong
while (Date.now() - began < o.seconds * 1000) {
  for (; sent < (Date.now() - began) / 1000 * o.rate; sent++) {
    const i = (sent * 7919) % o.people
    open++
    say(i, `wamid.large${sent}`, commands[sent % commands.length](i)).catch(e => { wrong ??= e }).finally(() => { open-- })
  }
  await sleep(5)
}
await until('all answered', async () => { await sleep(200); const m = await metrics(); return open === 0 && m.buckets.at(-1)[1] - before.buckets.at(-1)[1] >= sent }, 60000)
if (wrong) throw wrong
const after = await metrics()
const counts = after.buckets.map(([le, n], i) => [le, n - before.buckets[i][1]])
const quantile = q => counts.find(([, n]) => n >= counts.at(-1)[1] * q)[0] * 1000
console.log(`${sent} commands at ${o.rate}/s: inside the gateway p50 <= ${quantile(0.5)} ms, p99 <= ${quantile(0.99)} ms`)
console.log(counts.map(([le, n]) => `${le}: ${n}`).join('  '))
await plant.stop()
process.exit(quantile(0.99) <= 50 ? 0 : 1)
