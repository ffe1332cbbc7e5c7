#!/usr/bin/env node
// A fault told in chat or by the QR code on the machine, over both dialects; the code is read by a scanner
// that is not ours (zbarimg), the SVG as a browser draws it.
import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import {ANA, JOHN, META, Plant, TWILIO, assert, call, order, run, test, until} from './lib.mjs'
import {launch} from '../sandbox/chromium.mjs'

const plant = await new Plant().start()
const submitted = async n => {
  await until(`request ${n}`, async () => plant.cmms.taken().filter(e => e.type === 'gateway.request.submitted.v1').length >= n)
  return plant.cmms.taken().filter(e => e.type === 'gateway.request.submitted.v1').at(-1)
}
let count = 0

async function walk(id, phone, sender, language, words) {
  await plant.person(id, phone, {language, name: 'Ana Ruiz', roles: ['stakeholder']}, sender)
  await plant.inbound({from: phone, to: sender, type: 'text', text: `${words.report} P-01 ${words.leaks}`})
  await plant.expect(phone, words.thanks)
  let e = await submitted(++count)
  assert.deepEqual(e.data.asset, {id: 'P-01'})
  assert.equal(e.data.text, words.leaks)
  assert.equal(e.data.person.id, id)
  assert.deepEqual(e.data.requester, {id, name: 'Ana Ruiz', phone})
  assert.equal(e.subject, id)

  await plant.inbound({from: phone, to: sender, type: 'text', text: words.report})
  await plant.expect(phone, words.ask)
  await plant.inbound({from: phone, to: sender, type: 'text', text: words.leaks})
  e = await submitted(++count)
  assert.equal(e.data.asset, undefined)
  assert.equal(e.data.text, words.leaks)
}

const english = {report: 'REPORT', leaks: 'leaks oil under the pump', thanks: 'reported for', ask: 'What is wrong, and where'}
const hindi = {report: 'रिपोर्ट', leaks: 'पंप के नीचे तेल रिस रहा है', thanks: 'दर्ज हुआ', ask: 'क्या खराबी है'}

test('meta: REPORT with an asset, alone and answered, by a stakeholder', () => walk('u1', ANA, META.number, 'en', english))
test('twilio: the same in Hindi', () => walk('u2', JOHN, TWILIO.number, 'hi', hindi))

test('an asset that an order named is known by its name, in any case', async () => {
  const o = order(7, {asset: {id: 'mixer', name: 'Mixer in hall 3'}})
  await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  await until('the order', async () => (await plant.api('GET', `/api/v1/work_orders/${o.number}`)).status === 200)
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'report MIXER: smells burnt'})
  const told = await plant.expect(ANA, 'Mixer in hall 3')
  assert.match(told.text, /smells burnt/)
  const e = await submitted(++count)
  assert.deepEqual(e.data.asset, {id: 'mixer', name: 'Mixer in hall 3'})
})

test('words that name no asset are the fault itself', async () => {
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'REPORT there is water on the floor'})
  const e = await submitted(++count)
  assert.equal(e.data.asset, undefined)
  assert.equal(e.data.text, 'there is water on the floor')
})

const scan = file => execFileSync('zbarimg', ['--quiet', '--raw', file], {stdio: ['ignore', 'pipe', 'ignore']}).toString().trim()

test('the QR code opens WhatsApp with REPORT and the asset typed in: PNG and SVG say the same', async () => {
  const link = `https://wa.me/${META.number.slice(1)}?text=REPORT%20P-01%20`
  const get = async kind => Buffer.from(await (await fetch(`${plant.url}/api/v1/assets/P-01/qr.${kind}`, {headers: {authorization: `Bearer ${plant.key}`}})).arrayBuffer())
  const png = path.join(plant.dir, 'qr.png'), drawn = path.join(plant.dir, 'drawn.png')
  fs.writeFileSync(png, await get('png'))
  assert.equal(scan(png), link)
  const svg = (await get('svg')).toString()
  assert.ok(!/<script|style=|on\w+=/.test(svg))
  const page = await launch({width: 700, height: 700})
  await page.goto('data:text/html;base64,' + Buffer.from(`<!doctype html><div style="width:600px;background:#fff">${svg}</div>`).toString('base64'))
  await page.until('document.querySelector("svg") !== null')
  fs.writeFileSync(drawn, Buffer.from((await page.command('Page.captureScreenshot', {format: 'png'})).data, 'base64'))
  await page.close()
  assert.equal(scan(drawn), link)
})

test('the QR code of another sender, of none, without a key', async () => {
  const link = async q => (await plant.api('GET', `/api/v1/assets/P%2001/qr.svg${q}`)).status
  assert.equal(await link(''), 422)
  assert.equal((await plant.api('GET', '/api/v1/assets/P-01/qr.svg?sender=nobody')).status, 404)
  assert.equal((await plant.api('GET', '/api/v1/assets/P-01/qr.svg?sender=twilio')).status, 200)
  assert.equal((await call('GET', `${plant.url}/api/v1/assets/P-01/qr.svg`)).status, 401)
})

await run()
