#!/usr/bin/env node
// One order on four phones, in English, Spanish, Hindi and Arabic, as a browser draws it: directions, fonts,
// nothing cut off. LANGUAGES_SHOT=FILE keeps the picture (config/demo/languages.png).
import {execFileSync} from 'node:child_process'
import {createRequire} from 'node:module'
import path from 'node:path'
import {ANA, JOHN, META, OMAR, PRIYA, Plant, TWILIO, assert, build, order, run, test, until} from './lib.mjs'

const require = createRequire(new URL('../node/', import.meta.url))
const {chromium} = require('playwright-core')

const people = [
  {id: 'john', number: JOHN, language: 'en', sender: META.number, title: 'New Work Order', dir: 'ltr'},
  {id: 'ana', number: ANA, language: 'es', sender: META.number, title: 'Nueva orden de trabajo', dir: 'ltr'},
  {id: 'priya', number: PRIYA, language: 'hi', sender: TWILIO.number, title: 'वर्क ऑर्डर', dir: 'ltr'},
  {id: 'omar', number: OMAR, language: 'ar', sender: TWILIO.number, title: 'أمر عمل', dir: 'rtl'},
]
const plant = await new Plant({sandbox: ['--delivered-ms', '20', '--read-ms', '-1']}).start()
for (const p of people) await plant.person(p.id, p.number, {language: p.language}, p.sender)

const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']})
const context = await browser.newContext({viewport: {width: 1480, height: 900}, locale: 'en-GB'})
const page = await context.newPage()
await page.goto(plant.sandbox)
await page.locator('.live[data-on="true"]').waitFor()
const phoneOf = p => page.locator(`.phone[data-phone="${p.number}"]`)

test('four phones get the order, and answer', async () => {
  for (const p of people) {
    if (await phoneOf(p).count() === 0) await page.locator(`[data-person="${p.number}"]`).click()
    await phoneOf(p).waitFor()
  }
  const o = order(1, {assignees: people.map(p => ({id: p.id}))})
  await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  for (const p of people) {
    const bubble = phoneOf(p).locator('.msg:not(.mine)').filter({hasText: o.number}).last()
    await bubble.waitFor()
    assert.match(await bubble.innerText(), new RegExp(p.title))
    assert.equal(await bubble.locator('.body').evaluate(b => getComputedStyle(b).direction), p.dir, p.language)
  }
})

test('nothing is wider than its bubble, and the scripts have fonts', async () => {
  for (const p of people) {
    const wide = await phoneOf(p).locator('.msg, .msg *').evaluateAll(els => els.filter(e => e.scrollWidth > e.clientWidth + 1 &&
      e.clientWidth > 1 && getComputedStyle(e).display !== 'inline').map(e => `${e.className}: ${e.innerText?.slice(0, 40)}`))
    assert.deepEqual(wide, [], p.language)
  }
  for (const lang of ['hi', 'ar']) {
    assert.match(execFileSync('fc-list', [`:lang=${lang}`, 'family']).toString(), /Noto/, `a font for ${lang}`)
  }
})

test('the picture', async () => {
  const to = process.env.LANGUAGES_SHOT ?? path.join(build, 'languages.png')
  await until('the last tick', () => page.locator('.msg').count().then(n => n >= 8))
  await page.screenshot({path: to})
})

await run()
