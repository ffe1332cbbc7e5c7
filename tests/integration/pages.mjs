#!/usr/bin/env node
// The pages of people in a real browser, with the real gateway behind them: SETTINGS on a phone, the link, the form;
// what was saved is then what happens. Phone-sized and on a desk, in English and Arabic, by mouse and by keyboard.
import fs from 'node:fs'
import http from 'node:http'
import {createRequire} from 'node:module'
import path from 'node:path'
import {ANA, JOHN, MARIA, OMAR, PRIYA, Plant, TWILIO, META, assert, build, call, order, run, test, until} from './lib.mjs'

const require = createRequire(new URL('../node/', import.meta.url))
const {chromium} = require('playwright-core')

const shots = process.env.CREWLINE_TEST_SHOTS ?? path.join(build, 'page-shots') // for people to look at
fs.mkdirSync(shots, {recursive: true})
const plant = await new Plant().start()
await plant.person('maria', MARIA, {name: 'Maria Lopez'})
await plant.person('john', JOHN, {name: '<img src=x onerror=alert(1)> "John" & <b>Co</b>'})
await plant.person('ana', ANA, {name: 'Ana Ruiz', language: 'es'})
await plant.person('priya', PRIYA, {name: 'Priya', language: 'hi'}, TWILIO.number)
await plant.person('omar', OMAR, {name: 'عمر حداد', language: 'ar'}, TWILIO.number)

const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']})
const problems = []

async function open(width, more = {}) {
  const context = await browser.newContext({viewport: {width, height: 800}, locale: 'en-GB', ...more})
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  page.on('pageerror', e => problems.push(String(e)))
  page.on('dialog', d => { problems.push(`dialog ${d.message()}`); d.dismiss() })
  page.on('console', m => m.type() === 'error' && !/status of 4(03|22)/.test(m.text()) && problems.push(m.text()))
  page.on('request', r => [plant.url, elsewhere.url].includes(new URL(r.url()).origin) || problems.push(`asked ${r.url()}`))
  return page
}

async function link(number, word = 'SETTINGS', to = META.number) {
  await plant.inbound({from: number, to, type: 'text', text: word})
  const told = await plant.expect(number, '/whatsapp/settings?token=')
  return told.text.match(/https?:[^\s\u2066-\u2069]+/)[0]
}
const user = async id => (await plant.api('GET', `/api/v1/users/${id}`)).json
const shot = (page, name) => page.screenshot({path: path.join(shots, `${name}.png`), fullPage: true})
const saved = page => page.locator('[role=status]').waitFor()

// Nothing sticks out, all that is to be pressed is large enough for a finger and has a name for who cannot see it.
async function usable(page) {
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out')
  const all = await page.locator('input:not([type=hidden]), select, button, a').all()
  for (const one of all) {
    const {name, height, inside} = await one.evaluate(e => {
      const box = e.getBoundingClientRect(), row = e.closest('.switch')?.getBoundingClientRect() ?? box
      return {name: [...e.labels ?? []].map(l => l.textContent).join() || e.textContent, height: row.height,
        inside: box.left >= 0 && box.right <= innerWidth}
    })
    assert.ok(name.trim() && height >= 40 && inside, `${await one.evaluate(e => e.outerHTML.slice(0, 80))}: ${name} ${height}`)
  }
  for (const id of await page.locator('[aria-describedby]').evaluateAll(es => es.flatMap(e => e.getAttribute('aria-describedby').split(' ')))) {
    assert.equal(await page.locator(`#${id}`).count(), 1, id)
  }
  assert.equal(await page.locator('h1').count(), 1)
  assert.equal(await page.locator('main').count(), 1)
}

// A page of another origin, on the same host: browsers send it our cookie along, so only the Origin tells.
const elsewhere = http.createServer((req, res) => {
  const [token, action] = [new URL(req.url, 'http://x').searchParams.get('token'), `${plant.url}/whatsapp/settings`]
  res.writeHead(200, {'content-type': 'text/html'})
  res.end(`<link rel="icon" href="data:,"><form method="post" action="${action}"><input name="csrf_token" value="${token}">` +
    '<input name="language" value="fr"><button>Win a prize</button></form>')
})
await new Promise(done => elsewhere.listen(0, '127.0.0.1', done))
elsewhere.url = `http://127.0.0.1:${elsewhere.address().port}`

const zoneNow = shift => new Date(Date.now() + shift * 3600e3).toLocaleTimeString('en-GB', {timeZone: 'Europe/Madrid',
  hour: '2-digit', minute: '2-digit'})

test('Maria on her phone: a class off, quiet hours, another language; and so it is', async () => {
  const page = await open(390, {isMobile: true, hasTouch: true, javaScriptEnabled: false})
  await page.goto(await link(MARIA))
  assert.equal(await page.locator('h1').textContent(), 'Your notifications')
  assert.equal(await page.locator('input[type=checkbox]:checked').count(), 8)
  await page.getByLabel('Work order assignments').uncheck()
  await page.getByLabel('From').fill(zoneNow(-1))
  await page.getByLabel('To').fill(zoneNow(2))
  await page.getByLabel('Language').selectOption({label: 'Español'})
  await page.getByLabel('Time zone').selectOption('Europe/Madrid')
  await page.getByRole('button', {name: 'Save'}).click()
  await saved(page)
  assert.equal(await page.locator('html').getAttribute('lang'), 'es')
  assert.equal(await page.locator('#assignments').isChecked(), false)
  await shot(page, 'settings-maria-saved')

  const quiet = order(1, {assignees: [{id: 'maria'}], priority: 'low'})
  await plant.event('cmms.workorder.created.v1', {workorder: quiet}, {subject: quiet.number})
  await plant.event('cmms.workorder.parts_changed.v1', {workorder: quiet, parts: [{id: 'p', name: 'Bearing', qty: 1, status: 'arrived'}]},
    {subject: quiet.number})
  const loud = order(2, {assignees: [{id: 'maria'}], priority: 'medium'})
  await plant.event('cmms.workorder.created.v1', {workorder: loud}, {subject: loud.number})
  await plant.event('cmms.workorder.priority_changed.v1', {workorder: {...loud, priority: 'critical', rev: 2},
    previous: {priority: 'medium'}}, {subject: loud.number})
  const told = await plant.expect(MARIA, m => m.text?.includes(loud.number), 'the escalation')
  assert.match(told.text, /prioridad/i)
  const about = async o => (await plant.api('GET', `/api/v1/messages?user=maria&work_order=${o.number}&direction=out`)).json.items
  await until('the parts to be kept until the quiet hours are over', async () => (await about(quiet)).length > 0)
  assert.deepEqual((await about(quiet)).map(m => m.state), ['queued'], 'parts wait, the assignment was not even written')
  assert.equal((await about(loud)).length, 1, 'the assignment was not even written')
  assert.ok(!(await plant.messages(MARIA)).some(m => m.text?.includes(quiet.number)), 'nothing of it reached her')
  await plant.inbound({from: MARIA, to: META.number, type: 'text', text: 'status'})
  await plant.expect(MARIA, 'Asignadas', 'an answer in Spanish')
  const event = (await plant.everything()).find(e => e.type === 'gateway.person.preferences_changed.v1' && e.data.via === 'page')
  assert.deepEqual([event.data.person.id, event.data.classes, event.data.language], ['maria', ['assignments'], 'es'])
  await page.context().close()
})

test('what waits is forgotten when its class is switched off', async () => {
  const page = await open(1280)
  const waits = async () => (await plant.api('GET', '/api/v1/messages?user=maria&state=queued')).json.items
  assert.equal((await waits()).length, 1)
  await page.goto(await link(MARIA, 'AJUSTES'))
  await page.locator('#parts').uncheck()
  await page.locator('button').click()
  await saved(page)
  await until('it to be taken back', async () => (await waits()).length === 0)
  await page.context().close()
})

for (const [id, number, to, words] of [['ana', ANA, META.number, ['es', 'ltr']], ['omar', OMAR, TWILIO.number, ['ar', 'rtl']],
  ['priya', PRIYA, TWILIO.number, ['hi', 'ltr']]]) {
  for (const width of [390, 1280]) {
    test(`${id} at ${width}: whole, in his language and direction, with what is wrong beside it`, async () => {
      const page = await open(width, width === 390 ? {isMobile: true, hasTouch: true} : {})
      const url = await link(number, 'SETTINGS', to)
      await page.goto(url)
      assert.deepEqual(await page.locator('html').evaluate(e => [e.lang, e.dir]), words)
      assert.equal(await page.locator('h1').evaluate(e => getComputedStyle(e).direction), words[1])
      await usable(page)
      await shot(page, `settings-${id}-${width}`)
      await page.locator('#quiet_from').fill('22:00')
      await page.locator('#training').uncheck()
      await page.locator('button').click()
      await page.locator('[role=alert]').waitFor()
      assert.equal(await page.evaluate(() => document.activeElement.id), 'quiet_to', 'the field to be corrected has the focus')
      assert.equal(await page.locator('#quiet_from').inputValue(), '22:00', 'what was typed is still there')
      assert.equal(await page.locator('#training').isChecked(), false)
      assert.equal((await user(id)).preferences.quiet_hours, null, 'nothing was saved')
      await usable(page)
      await shot(page, `settings-${id}-${width}-wrong`)
      await page.locator('#quiet_to').fill('06:00')
      await page.locator('button').click()
      await saved(page)
      assert.deepEqual((await user(id)).preferences.quiet_hours, {from: '22:00', to: '06:00'})
      await page.reload()
      await page.goto(url)
      assert.equal(await page.locator('#quiet_to').inputValue(), '06:00', 'the same browser may come back by the link')
      await page.locator('#quiet_from').fill('')
      await page.locator('#quiet_to').fill('')
      await page.locator('button').click()
      await saved(page)
      assert.equal((await user(id)).preferences.quiet_hours, null)
      const other = await open(width, {locale: `${words[0]}-XX`})
      assert.equal((await other.goto(url)).status(), 403)
      assert.equal(await other.locator('html').getAttribute('lang'), words[0], 'in the language of the browser')
      assert.match(await other.locator('a').getAttribute('href'), /^https:\/\/wa\.me\/12025550100\?text=/)
      await usable(other)
      await shot(other, `settings-${id}-${width}-closed`)
      await other.context().close()
      await page.context().close()
    })
  }
}

// He has never written: the code comes as the provider's template for codes, and is all that it takes.
for (const [width, id, number, words] of [[390, 'nadia', '+12025550181', ['ar', 'rtl']], [1280, 'sam', '+12025550182', ['en', 'ltr']]]) {
  test(`${id} at ${width}: proves the number by the code, and goes on to the settings`, async () => {
    if (width === 390) {
      await plant.api('POST', '/api/v1/templates/sync')
      await until('the template of codes to be approved', async () => (await plant.api('GET', '/api/v1/templates/crewline_code')).json
        .languages.every(l => l.approvals.some(a => a.status === 'approved')), 60000)
    }
    await plant.event('cmms.person.upserted.v1', {person: {id, name: id, phone: number, roles: ['technician'], language: words[0]}})
    await until(id, async () => (await plant.api('GET', `/api/v1/users/${id}`)).status === 200)
    const page = await open(width, {javaScriptEnabled: false, locale: words[0], ...width === 390 ? {isMobile: true, hasTouch: true} : {}})
    await page.goto(`${plant.url}/whatsapp/verify`)
    assert.deepEqual(await page.locator('html').evaluate(e => [e.lang, e.dir]), words)
    await usable(page)
    await shot(page, `verify-${width}-phone`)
    await page.locator('#phone').fill('12345')
    await page.locator('#phone').press('Enter')
    await page.locator('#phone_error').waitFor()
    await shot(page, `verify-${width}-wrong`)
    await page.locator('#phone').fill(number.replace(/^(\+1)(...)/, '$1 ($2) '))
    await page.locator('#phone').press('Enter')
    await page.locator('#code').waitFor()
    await usable(page)
    await shot(page, `verify-${width}-code`)
    const told = await plant.expect(number, m => /\b\d{6}\b/.test(m.text ?? ''), 'the code')
    const code = told.text.match(/\b(\d{6})\b/)[1]
    const sent = (await plant.api('GET', `/api/v1/messages?user=${id}&direction=out`)).json.items
    assert.ok(!JSON.stringify(sent).includes(code), 'the log does not show it')
    await page.locator('#code').fill(code === '111111' ? '222222' : '111111')
    await page.locator('#code').press('Enter')
    await page.locator('#code_error').waitFor()
    await shot(page, `verify-${width}-refused`)
    assert.equal((await user(id)).verified, false)
    await page.locator('#code').fill(code)
    await page.locator('#code').press('Enter')
    await page.locator('a.button').waitFor()
    await usable(page)
    await shot(page, `verify-${width}-done`)
    assert.equal((await user(id)).verified, true)
    assert.equal((await plant.everything()).filter(e => e.type === 'gateway.person.verified.v1' && e.data.person.id === id).length, 1)
    await page.locator('a.button').click()
    await page.locator('#assignments').waitFor()
    await page.locator('#training').uncheck()
    await page.locator('button').click()
    await saved(page)
    assert.equal((await user(id)).preferences.classes.training, false)
    assert.ok(!plant.log().includes(code), 'nor does the log of the program')
    await page.context().close()
  })
}

test('a name is text, whatever it is', async () => {
  const page = await open(390)
  await page.goto(await link(JOHN))
  assert.match(await page.locator('main > p').first().textContent(), /^<img src=x onerror=alert\(1\)> "John" & <b>Co<\/b>, choose/)
  assert.equal(await page.locator('main img, main b').count(), 0)
  await page.context().close()
})

test('the keyboard alone, in the order of the page, the focus always seen', async () => {
  const page = await open(1280)
  await page.goto(await link(JOHN))
  const order = []
  const reach = async id => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const at = await page.evaluate(() => {
        const e = document.activeElement, s = getComputedStyle(e)
        return {id: e.id || e.tagName, ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2}
      })
      assert.ok(at.ring, `${at.id} shows that it has the focus`)
      if (order.at(-1) !== at.id) order.push(at.id)
      if (at.id === id) return
    }
    throw new Error(`Tab does not reach ${id}: ${order}`)
  }
  await reach('escalations')
  await page.keyboard.press('Space')
  await reach('quiet_from')
  await page.keyboard.type('0915AM')
  await reach('quiet_to')
  await page.keyboard.type('0530PM')
  await reach('language')
  await page.keyboard.type('Fra')
  await reach('BUTTON')
  await page.keyboard.press('Enter')
  await saved(page)
  assert.deepEqual(order, ['assignments', 'escalations', 'parts', 'reminders', 'emergency', 'checklists', 'updates', 'training',
    'quiet_from', 'quiet_to', 'language', 'timezone', 'BUTTON'])
  const john = await user('john')
  assert.deepEqual([john.preferences.classes.escalations, john.preferences.quiet_hours, john.language],
    [false, {from: '09:15', to: '17:30'}, 'fr'])
  assert.equal(await page.locator('html').getAttribute('lang'), 'fr')
  await page.context().close()
})

test('a form from elsewhere is refused, though the browser sends the cookie and it knows the token', async () => {
  const page = await open(1280)
  await page.goto(await link(ANA))
  const token = await page.locator('[name=csrf_token]').inputValue()
  await page.goto(`${elsewhere.url}/?token=${token}`)
  const [answer] = await Promise.all([page.waitForResponse(r => r.request().method() === 'POST'), page.locator('button').click()])
  assert.equal(answer.status(), 403)
  assert.match((await answer.request().allHeaders()).cookie ?? '', /crewline_person=/, 'the cookie came along')
  assert.equal((await user('ana')).language, 'es')
  await page.context().close()
})

test('the gateway gone and back: the session is still there', async () => {
  const page = await open(390)
  await page.goto(await link(ANA), {waitUntil: 'networkidle'})
  await until('all sends to be recorded', () => plant.quiet())
  await plant.kill()
  await plant.startGateway()
  await page.locator('#training').check()
  await page.locator('button').click()
  await saved(page)
  assert.equal((await user('ana')).preferences.classes.training, true)
  await page.context().close()
})

test('no secret of a link or a cookie stands in the log', async () => {
  const url = await link(MARIA, 'AJUSTES')
  const cookie = (await call('GET', url)).headers.get('set-cookie')
  assert.ok(!plant.log().includes(url.slice(-32)) && !plant.log().includes(cookie.split(';')[0].slice(-43)))
})

test('dark, with large text and on a narrow phone it is still whole', async () => {
  const page = await open(320, {isMobile: true, colorScheme: 'dark'})
  await page.goto(await link(OMAR, 'SETTINGS', TWILIO.number))
  await page.addStyleTag({url: `${plant.url}/static/page.css`})
  await page.evaluate(() => { document.documentElement.style.fontSize = '22px' })
  await usable(page)
  await shot(page, 'settings-dark')
  await page.context().close()
})

test('nothing was complained of, and nothing was asked of any other host', () => assert.deepEqual(problems, []))

await run()
elsewhere.close()
