#!/usr/bin/env node
// The phones' page in a real browser, with the real gateway behind it: what a reader of the README does by hand,
// over Meta in Spanish and over Twilio in Arabic, on a desk and on a phone, by mouse, by finger and by keyboard.
import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import {ANA, MARIA, OMAR, Plant, TWILIO, assert, build, call, order, run, sleep, test, until} from './lib.mjs'

const require = createRequire(new URL('../node/', import.meta.url))
const {chromium} = require('playwright-core')

const shots = process.env.CREWLINE_TEST_SHOTS ?? path.join(build, 'page-shots') // for people to look at
fs.mkdirSync(shots, {recursive: true})
const plant = await new Plant({sandbox: ['--delivered-ms', '120', '--read-ms', '-1']}).start()
await plant.person('ana', ANA, {name: 'Ana Ruiz', language: 'es'})
await plant.person('omar', OMAR, {name: 'Omar Haddad', language: 'ar'}, TWILIO.number)
await plant.person('maria', MARIA)
// What no gateway took comes again soon after there is one, however long that took; and nothing is on its way any more.
await call('PUT', `${plant.sandbox}/_sandbox/config`, {body: {timing: {retry_max_ms: 1000}}})
await plant.idle()

const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']})
const problems = []

async function open(width, height, more = {}) {
  const context = await browser.newContext({viewport: {width, height}, locale: 'en-GB', ...more})
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  page.on('pageerror', e => problems.push(String(e)))
  page.on('dialog', d => { problems.push(`dialog ${d.message()}`); d.dismiss() })
  page.on('console', m => m.type() === 'error' && problems.push(`${m.text()} ${m.location().url}`))
  page.on('request', r => new URL(r.url()).origin === plant.sandbox || /^(blob|data):/.test(r.url()) || problems.push(`asked ${r.url()}`))
  await page.goto(plant.sandbox)
  await page.locator('.live[data-on="true"]').waitFor()
  return page
}
const desk = await open(1280, 800)
const hand = await open(390, 800, {isMobile: true, hasTouch: true})
const phoneOf = (page, number) => page.locator(`.phone[data-phone="${number}"]`)
const last = phone => phone.locator('.msg:not(.mine)').last()

async function bring(page, number) { // onto the screen
  if (await phoneOf(page, number).count() === 0) await page.locator(`[data-person="${number}"]`).click()
  await phoneOf(page, number).waitFor()
  return phoneOf(page, number)
}
// What is on the phone already may have the words of the answer: one more message comes.
async function act(phone, fn, answer) {
  const heard = phone.locator('.msg:not(.mine)'), before = await heard.count()
  await fn()
  await heard.nth(before).waitFor()
  await answered(phone, answer)
}
const say = (phone, text, answer) => act(phone, async () => {
  await phone.locator('.text').fill(text)
  await phone.locator('.text').press('Enter')
}, answer)
const answered = (phone, answer) => last(phone).filter({hasText: answer}).waitFor()
const shot = (page, name) => page.screenshot({path: path.join(shots, `${name}.png`)})
const status = async o => (await plant.api('GET', `/api/v1/work_orders/${o.number}`)).json.status
const booked = async o => (await plant.everything()).filter(e => e.subject === o.number)

let n = 0
async function assign(id, more = {}) {
  const o = order(++n, {assignees: [{id}], ...more})
  const r = await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  assert.equal(r.status, 202, r.text)
  return o
}

// A phone stays whole while its chat scrolls: its head is where it was.
async function whole(phone) {
  const [outer, head] = [await phone.boundingBox(), await phone.locator('.phone-head').boundingBox()]
  assert.ok(Math.abs(head.y - outer.y) < 2, `the head is at ${head.y}, its phone at ${outer.y}`)
}

// Nothing sticks out of the window, and what is to be pressed is large enough for a finger.
async function usable(page, phone) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth,
    ...[...document.querySelectorAll('.chat, .phone, .phone-head')].map(c => c.scrollWidth - c.clientWidth)])
  assert.ok(wide.every(w => w <= 0), `sticks out: ${wide}`)
  const view = page.viewportSize()
  await whole(phone)
  for (const what of ['.text', '.send', '.attach', '.tap >> nth=-1']) {
    const box = await phone.locator(what).boundingBox()
    assert.ok(box.height >= 40 && box.y + box.height <= view.height && box.x >= 0 && box.x + box.width <= view.width,
      `${what}: ${JSON.stringify(box)}`)
  }
}

async function walk(page, id, number, words) {
  const phone = await bring(page, number)
  const o = await assign(id)
  await answered(phone, o.number)
  await answered(phone, words.assigned)
  assert.equal(await last(phone).locator('.body').evaluate(b => getComputedStyle(b).direction), words.direction)
  await usable(page, phone)
  await shot(page, `${id}-${page.viewportSize().width}-assigned`)
  await act(phone, () => last(phone).locator('.tap', {hasText: words.start}).click(), words.started)
  assert.equal(await phone.locator('.msg.mine .quote').last().count(), 1, 'the tap quotes what was tapped')
  await until('the order to be in progress', async () => await status(o) === 'in_progress')
  await say(phone, `${words.note} bearing replaced`, words.noted)
  await say(phone, 'complete', words.completed)
  await until('the order to be completed', async () => await status(o) === 'completed')
  const events = await booked(o)
  assert.deepEqual(events.map(e => [e.type, e.data.to ?? e.data.text, e.data.via, e.data.person.id]), [
    ['gateway.workorder.status_requested.v1', 'in_progress', 'button', id],
    ['gateway.workorder.note_added.v1', 'bearing replaced', 'command', id],
    ['gateway.workorder.status_requested.v1', 'completed', 'command', id]])
  await whole(phone)
  await shot(page, `${id}-${page.viewportSize().width}-completed`)
}
const spanish = {direction: 'ltr', assigned: 'Nueva orden de trabajo', start: 'Empezar trabajo', started: 'empezada', note: 'nota',
  noted: 'Nota añadida', completed: 'completada'}
const arabic = {direction: 'rtl', assigned: 'أمر عمل جديد', start: 'بدء العمل', started: 'بدأ', note: 'note',
  noted: 'ملاحظة', completed: 'اكتمل'}

test('Ana, Spanish, Meta, on a desk: told, tapped, noted, completed', () => walk(desk, 'ana', ANA, spanish))
test('Omar, Arabic, Twilio, on a desk', () => walk(desk, 'omar', OMAR, arabic))
test('Ana on a phone', () => walk(hand, 'ana', ANA, spanish))
test('Omar on a phone', () => walk(hand, 'omar', OMAR, arabic))

for (const [id, number, page, label, words] of [['ana', ANA, desk, 'Meta', 'Tienes 2 órdenes'],
  ['omar', OMAR, hand, 'Twilio', 'لديك أمرا عمل']]) {
  test(`my work on ${label}: the list opens over its phone, a row shows its order`, async () => {
    const phone = await bring(page, number)
    const orders = [await assign(id, {title: 'Oil the gearbox'})]
    await answered(phone, orders[0].number) // of another class than the next: nothing keeps their order
    orders.push(await assign(id, {title: 'Fit a guard', priority: 'low'}))
    await answered(phone, orders[1].number)
    await say(phone, 'my work', words)
    await last(phone).locator('.tap[aria-haspopup]').click()
    const sheet = phone.locator('dialog.sheet')
    await sheet.waitFor()
    const [over, under] = [await sheet.boundingBox(), await phone.boundingBox()]
    assert.ok(over.x >= under.x - 1 && over.x + over.width <= under.x + under.width + 1, 'over its phone')
    assert.equal(await sheet.locator('.sheet-row').count(), 2)
    assert.equal(await sheet.evaluate(d => getComputedStyle(d).direction), id === 'omar' ? 'rtl' : 'ltr')
    await whole(phone)
    await sleep(250) // it rises
    await shot(page, `${id}-list`)
    await act(phone, () => sheet.locator('.sheet-row', {hasText: orders[1].number}).click(), 'Fit a guard')
    await sheet.waitFor({state: 'hidden'})
    assert.match(await last(phone).textContent(), new RegExp(orders[1].number))
    await shot(page, `${id}-row`)
  })
}

test('the built-in photo: drawn, and answered honestly', async () => {
  for (const [page, number, words] of [[desk, ANA, 'esta foto'], [hand, OMAR, 'هذه الصورة']]) {
    const phone = await bring(page, number)
    await phone.locator('.attach').click()
    await shot(page, `menu-${page.viewportSize().width}`)
    await phone.locator('.menu button', {hasText: 'Photo'}).click()
    await answered(phone, words)
    await until('the photo to be drawn', () => phone.locator('.photo').last().evaluate(i => i.naturalWidth > 0))
  }
  await shot(desk, 'photo')
})

test('ticks: delivered while nobody looks, counted as unread; read once the chat is on the screen', async () => {
  const o = await assign('maria')
  const chip = hand.locator(`[data-person="${MARIA}"]`)
  await chip.locator('.badge').waitFor()
  const told = await plant.expect(MARIA, o.number)
  const step = async () => (await plant.messages(MARIA)).find(m => m.id === told.id).status
  await until('delivered', async () => await step() === 'delivered')
  await sleep(900) // longer than a reader takes
  assert.equal(await step(), 'delivered')
  const phone = await bring(hand, MARIA)
  await answered(phone, o.number)
  await last(phone).locator('.tick[data-step="read"]').waitFor()
  await until('read at the gateway', async () =>
    (await plant.api('GET', `/api/v1/messages?work_order=${o.number}`)).json.items.some(m => m.state === 'read'))
  await chip.locator('.badge').waitFor({state: 'detached'})
})

test('markup in a title is text, here and in the gateway\'s answers', async () => {
  const phone = await bring(desk, ANA)
  const title = `<img src=x onerror=alert(1)> "><script>alert(2)</script> *bold* javascript:alert(3)`
  const o = await assign('ana', {title, description: '<iframe srcdoc="<script>alert(4)</script>"></iframe> <b>b</b>',
    asset: {id: 'a1', name: '"><svg onload=alert(5)>'}})
  await answered(phone, o.number)
  await answered(phone, '<img src=x onerror=alert(1)> "><script>alert(2)</script>')
  await answered(phone, '"><svg onload=alert(5)>')
  await say(phone, `wo ${o.number}`, '<img src=x')
  await say(phone, `note ${o.number} <img src=x onerror=alert(6)>`, 'Nota añadida')
  assert.equal(await desk.locator('.msg script, .msg iframe, .msg b, .msg img:not(.photo), .msg .body svg').count(), 0)
  const links = await desk.locator('.msg a').evaluateAll(all => all.map(a => a.href))
  await whole(phone)
  assert.deepEqual(links.filter(l => !/^https?:/.test(l)), [])
  await shot(desk, 'markup')
})

test('the keyboard alone: to the phone, to the button, Enter; type, send; the list by arrows and Escape', async () => {
  const page = await open(1280, 800)
  const o = await assign('omar')
  const reach = async (what, key = 'Tab') => {
    for (let i = 0; i < 150; i++) {
      const at = await page.evaluate(() => {
        const e = document.activeElement
        return {phone: e.closest('.phone')?.dataset.phone, person: e.dataset.person, class: e.className, text: e.textContent}
      })
      if (what(at)) return
      await page.keyboard.press(key)
    }
    throw new Error(`Tab does not reach ${what}`)
  }
  await reach(at => at.person === OMAR)
  await page.keyboard.press('Enter')
  const phone = phoneOf(page, OMAR)
  await answered(phone, o.number)
  await reach(at => at.phone === OMAR && at.class === 'text')
  await reach(at => at.phone === OMAR && at.class === 'tap' && at.text.includes('بدء العمل'), 'Shift+Tab')
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle)
  assert.notEqual(outline, 'none', 'what has the focus is seen to have it')
  await page.keyboard.press('Enter')
  await until('the order to be in progress', async () => (await booked(o)).some(e => e.data.to === 'in_progress'))
  await reach(at => at.phone === OMAR && at.class === 'text')
  await page.keyboard.type('note by keyboard')
  await page.keyboard.press('Enter')
  await until('the note', async () => (await booked(o)).some(e => e.data.text === 'by keyboard'))
  await page.keyboard.type('my work')
  await page.keyboard.press('Enter')
  await last(phone).locator('.tap[aria-haspopup]').waitFor()
  await reach(at => at.phone === OMAR && at.class === 'tap', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await phone.locator('dialog[open]').waitFor()
  await reach(at => at.class === 'sheet-row')
  await shot(page, 'keyboard')
  await page.keyboard.press('Escape')
  await phone.locator('dialog[open]').waitFor({state: 'detached'})
  await reach(at => at.phone === OMAR && at.class.includes('attach'))
  await page.keyboard.press('Enter')
  await page.keyboard.press('ArrowDown')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Voice note')
  await page.keyboard.press('Escape')
  await page.context().close()
})

test('the gateway gone: said on the page; back: the page goes on without a reload', async () => {
  const phone = await bring(desk, ANA)
  const answers = phone.locator('.msg:not(.mine)', {hasText: 'Asignadas'})
  const before = await answers.count()
  await until('all sends to be recorded', () => plant.quiet())
  await plant.kill()
  await phone.locator('.text').fill('status')
  await phone.locator('.text').press('Enter')
  await phone.locator('.trouble', {hasText: 'did not answer'}).waitFor()
  await shot(desk, 'trouble')
  await plant.startGateway()
  await say(phone, 'status', 'Asignadas')
  await until('the word said meanwhile to be delivered again, and answered', async () => await answers.count() === before + 2)
})

test('dark and with large text it is still whole', async () => {
  const page = await open(390, 800, {isMobile: true, colorScheme: 'dark'})
  const phone = await bring(page, ANA)
  await page.evaluate(() => { document.documentElement.style.fontSize = '22px' })
  await answered(phone, (await assign('ana')).number)
  await last(phone).locator('.tap').last().waitFor()
  await usable(page, phone)
  await shot(page, 'dark')
  await page.context().close()
})

test('nothing was complained of, and nothing was asked of any other host', () => {
  assert.deepEqual(problems.filter(p => !/link-\d+/.test(p)), [])
})

await run()
