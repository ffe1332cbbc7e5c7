#!/usr/bin/env node
// Every message and command of the two seed documents, by name, over real HTTP with both providers: what a crew can
// say and see. Each test is named after its row there; tests/README.md has the table.
import {META, Plant, TWILIO, assert, order, run, test, until} from './lib.mjs'

const NUMBERS = {meta: META.number, twilio: TWILIO.number}

function suite(kind) {
  const plant = new Plant({meta: kind === 'meta', twilio: kind === 'twilio', tenant: {timezone: 'America/New_York', onboarding: [{texts: {es: 'Bienvenida a la planta.', en: 'Welcome to the plant.'}},
    {texts: {es: 'Las reglas', en: 'The rules'}, media: {url: 'https://files.example.com/rules.pdf', mime: 'application/pdf', filename: 'rules.pdf'}}]}})
  const to = NUMBERS[kind]
  let n = 0, phone = 100
  const say = (from, text, quote) => plant.inbound({from, to, type: 'text', text, ...(quote ? {quote} : {})})
  const tap = (from, message, title) => {
    const button = message.buttons.find(b => b.title === title)
    assert.ok(button, `no [${title}] in ${JSON.stringify(message.buttons)}`)
    return plant.inbound({from, to, type: 'button', button: {title}, quote: message.id})
  }
  const titles = m => (m.buttons ?? []).map(b => b.title)
  // Rows of a list: Meta shows them as such, Twilio too, or as numbered lines.
  const rows = m => m.rows ?? []
  const tapRow = (from, message, title) => {
    const one = rows(message).find(r => r.title === title)
    assert.ok(one, `no row ${title} in ${JSON.stringify(rows(message))}`)
    return plant.inbound({from, to, type: 'list', button: {title: one.title}, quote: message.id})
  }
  // A person of his own for each test: nothing of another test is in his way.
  const unused = () => `+1202555${String(++phone + (kind === 'meta' ? 0 : 4000)).padStart(4, '0')}`
  async function someone(more = {}) {
    const number = unused()
    const id = `p${phone}`
    await plant.person(id, number, more, to)
    await plant.expect(number, more.language === 'es' ? 'tu número está confirmado' : 'your number is confirmed')
    return {id, number}
  }
  const created = async (who, more = {}) => {
    const o = order(++n, {assignees: [{id: who.id}], ...more})
    const r = await plant.event('cmms.workorder.created.v1', {workorder: o})
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
    return o
  }
  const tell = async (type, data, more) => {
    const r = await plant.event(`cmms.${type}.v1`, data, more)
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
  }
  const event = (type, fits) => until(`gateway.${type}.v1`, () => plant.cmms.taken().find(e => e.type === `gateway.${type}.v1` && fits(e.data)))
  const row = (name, fn) => test(`${kind}: ${name}`, fn)

  row('the plant starts, and its templates are approved', async () => {
    await plant.start()
    assert.equal((await plant.api('POST', '/api/v1/templates/sync')).status, 202)
    await until('the reviews', async () => {
      const all = (await plant.api('GET', '/api/v1/templates?limit=500')).json?.items?.flatMap(t => t.languages)
      if (!all) return false // under load it may say so, and is asked again
      if (kind === 'twilio' && all.every(l => l.approvals[0].id)) await plant.api('POST', '/api/v1/templates/sync')
      return all.every(l => l.approvals[0].status === 'approved')
    }, 60000)
  })

  // ---- notifications ----

  row('Work Order Assignment: New Work Order Assigned, in the layout of the seed', async () => {
    const ana = await someone()
    const o = await created(ana, {due_at: '2024-12-25T17:00:00Z', status: 'acknowledged'})
    const m = await plant.expect(ana.number, 'New Work Order Assigned')
    assert.equal(m.text.split('\n').slice(0, 5).join('\n'),
      `🔧 *New Work Order Assigned*\n\n📋 *WO#:* ${o.number}\n📝 *Title:* Replace Motor Bearing\n🏭 *Asset:* Conveyor Belt A-01`)
    assert.ok(m.text.includes('⚡ *Priority:* High\n'), m.text)
    assert.ok(m.text.includes('\n\nBearing showing signs of wear, needs replacement.\n\nReply with:\n• *ACK* - Acknowledge receipt\n' +
      '• *START* - Start work\n• *HELP* - Request assistance'), m.text)
    assert.deepEqual(titles(m), ['Start Work', 'View Details'])
  })

  row('a note in the CMMS reaches the assignees, not its author', async () => {
    const ana = await someone(), ben = await someone()
    const o = await created(ana, {assignees: [{id: ana.id}, {id: ben.id}]})
    await plant.expect(ben.number, 'New Work Order Assigned')
    await tell('workorder.comment_added', {workorder: o, comment: {id: 'c1', text: 'Mind the step', author: {id: ben.id, name: 'Ben'}}})
    const m = await plant.expect(ana.number, 'Mind the step')
    assert.equal(m.text, `💬 *Work Order ${o.number}*, ${ben.id}: Mind the step`)
    assert.deepEqual(titles(m), ['Start Work', 'View Details', 'Acknowledge'])
    await tell('workorder.comment_added', {workorder: o, comment: {id: 'c2', text: 'It is wet', author: 'The office'}})
    await plant.expect(ben.number, 'The office: It is wet')
    assert.ok(!(await plant.messages(ben.number)).some(x => x.text?.includes('Mind the step')))
  })

  row('Parts Delivery: parts arrive for a work order', async () => {
    const ana = await someone()
    const parts = [{id: 'b1', name: 'Bearing 6204', qty: 2, status: 'ordered'}, {id: 'g1', name: 'Grease', qty: 1, status: 'arrived'}]
    const o = await created(ana, {parts})
    await plant.expect(ana.number, 'New Work Order Assigned')
    await tell('workorder.parts_changed', {workorder: o, parts: [{...parts[0], status: 'arrived'}]})
    const m = await plant.expect(ana.number, 'Parts arrived')
    assert.equal(m.text, `📦 *Parts arrived* for work order ${o.number}: Bearing 6204 (2)`)
    // Without a list of what changed: what was not there by the copy before.
    await tell('workorder.parts_changed', {workorder: {...o, rev: 2, parts: parts.map(p => ({...p, status: 'arrived'}))}})
    assert.equal((await plant.expect(ana.number, 'Parts arrived')).text, m.text)
  })

  row('Stakeholders: created, started, resolved at 3:21 PM, in their own time', async () => {
    const ana = await someone(), boss = await someone({roles: ['stakeholder']})
    // Kay never wrote, but the CMMS says that she agreed: she is told by template.
    const kay = {name: 'Kay', phone: unused(), consented: true}
    const o = await created(ana, {stakeholders: [{id: boss.id}, kay]})
    await plant.expect(boss.number, `📝 Work Order #${o.number} has been created: ${o.title}`)
    await plant.expect(kay.phone, `Work Order #${o.number} has been created: ${o.title}. You get updates about it here.`)
    await tell('workorder.status_changed', {workorder: {...o, rev: 2, status: 'in_progress'}, previous: {status: 'open'}})
    await plant.expect(boss.number, `🔧 Work Order #${o.number} has started`)
    await tell('workorder.status_changed', {workorder: {...o, rev: 3, status: 'completed', updated_at: '2026-01-15T20:21:00Z'}})
    const m = await plant.expect(boss.number, 'Issue resolved at 3:21')
    assert.match(m.text, /Issue resolved at 3:21\sPM$/)
    assert.equal(titles(m).length, 0)
    await plant.expect(kay.phone, 'Issue resolved at 3:21')
  })

  row('a request: received, approved, refused, done, told to who asked', async () => {
    const kim = await someone({roles: ['stakeholder'], consented: true})
    const request = {id: 'r1', text: 'The light in hall 2 is broken', requester: {name: 'Kim', phone: kim.number}}
    await tell('request.created', {request: {...request, status: 'received'}})
    await plant.expect(kim.number, '📨 We have received your request: The light in hall 2 is broken')
    await tell('request.status_changed', {request: {...request, status: 'approved'}})
    await plant.expect(kim.number, '👍 Your request has been approved')
    await tell('request.status_changed', {request: {...request, status: 'done'}}, {time: '2026-07-15T19:21:00Z'})
    await plant.expect(kim.number, 'Issue resolved at 3:21')
    await tell('request.status_changed', {request: {...request, id: 'r2', status: 'refused', reason: 'Not ours'}})
    const m = await plant.expect(kim.number, 'has been refused')
    assert.ok(m.text.endsWith('💬 *Reason:* Not ours'), m.text)
    // By the id of somebody known; by phone of somebody who agreed; of nobody who has not agreed to be told.
    await tell('request.created', {request: {id: 'r3', text: 'A tap drips', requester: {id: kim.id}}})
    await plant.expect(kim.number, 'A tap drips')
    const agreed = unused(), silent = unused()
    await tell('request.created', {request: {id: 'r4', text: 'A lamp', requester: {name: 'Al', phone: agreed, consented: true}}})
    assert.match((await plant.expect(agreed, 'A lamp')).text, /Status:\* Received/)
    await tell('request.created', {request: {id: 'r5', text: 'A door', requester: {name: 'Lo', phone: silent}}})
    await plant.expect(silent, 'To confirm that this is your number')
    assert.ok(!(await plant.messages(silent)).some(x => x.text?.includes('A door')))
  })

  row('a machine changes its state: told to who follows it or its site', async () => {
    const fan = await someone({subscriptions: {assets: ['pump-7']}}), chief = await someone({roles: ['supervisor'], site: 'hall-9'})
    const other = await someone({subscriptions: {assets: ['pump-8'], sites: ['hall-8']}})
    await tell('asset.status_changed', {asset: {id: 'pump-7', name: 'Pump P-07', status: 'down', site: 'hall-9'}})
    for (const who of [fan, chief]) await plant.expect(who.number, '🏭 *Pump P-07* is now: *out of order*')
    assert.equal((await plant.messages(other.number)).filter(x => x.text?.includes('Pump P-07')).length, 0)
    const r = await plant.api('PUT', `/api/v1/users/${fan.id}`, {...(await plant.api('GET', `/api/v1/users/${fan.id}`)).json,
      subscriptions: {assets: []}})
    assert.equal(r.status, 200, r.text)
    await tell('asset.status_changed', {asset: {id: 'pump-7', name: 'Pump P-07', status: 'cleaned', site: 'hall-9'}})
    await plant.expect(chief.number, '*cleaned*')
    assert.ok(!(await plant.messages(fan.number)).some(x => x.text?.includes('cleaned')))
  })

  row('Due Date Reminders: two hours before, at due, in the layout of the seed', async () => {
    const ana = await someone()
    const o = await created(ana, {due_at: new Date(Date.now() + 7200e3 + 1500).toISOString()})
    await plant.expect(ana.number, 'New Work Order Assigned')
    const m = await plant.expect(ana.number, 'Work Order Reminder')
    assert.ok(m.text.startsWith(`⏰ *Work Order Reminder*\n\n📋 *WO#:* ${o.number}\n📝 *Title:* Replace Motor Bearing\n` +
      '⏳ *Due in:* 2 hours\n📅 *Due Date:* '), m.text)
    assert.ok(m.text.endsWith('Reply with:\n• *STATUS* - Update status\n• *DELAY {reason}* - Report delay\n• *COMPLETE* - Mark as done'))
    assert.deepEqual(titles(m), ['Start Work', 'View Details', 'Acknowledge'])
    await say(ana.number, 'STATUS', m.id)
    assert.equal(titles(await plant.expect(ana.number, `🔧 *Work Order ${o.number}*`))[0], 'Start Work')
    // The CMMS reminds of the same: that is told already. What is done is not reminded of.
    await tell('workorder.due', {workorder: o, due: {at: o.due_at, state: 'soon'}})
    const p = await created(ana, {due_at: new Date(Date.now() + 1500).toISOString()})
    await tell('workorder.updated', {workorder: {...o, rev: 2, due_at: new Date(Date.now() + 1000).toISOString(), status: 'completed'},
      changed: ['due_at']})
    const now = await plant.expect(ana.number, x => x.text?.includes('Work Order Reminder') && x.text.includes(p.number))
    assert.ok(now.text.includes('⏳ *Due now*'), now.text)
    assert.equal((await plant.messages(ana.number)).filter(x => x.text?.includes('Reminder') && x.text.includes(o.number)).length, 1)
    assert.ok((await plant.api('GET', `/api/v1/work_orders/${o.number}/timeline`)).text.includes('"reminded"'))
  })

  row('the CMMS reminds by itself', async () => {
    const ana = await someone()
    const o = await created(ana, {due_at: new Date(Date.now() + 6600e3).toISOString()})
    await tell('workorder.due', {workorder: o, due: {at: o.due_at, state: 'soon'}})
    await plant.expect(ana.number, x => x.text?.includes('Work Order Reminder') && x.text.includes('Due in:* 2 hours'))
    await tell('workorder.due', {workorder: o, due: {at: o.due_at, state: 'soon'}})
    await tell('workorder.comment_added', {workorder: o, comment: {id: 'c', text: 'the end'}})
    await plant.expect(ana.number, 'the end')
    assert.equal((await plant.messages(ana.number)).filter(x => x.text?.includes('Reminder')).length, 1)
  })

  row('WhatsApp Number Verification: writing from the number is the proof, and the CMMS is told; nobody unverified is told', async () => {
    const number = unused(), id = `new-${kind}`
    await tell('person.upserted', {person: {id, name: 'Nia', phone: number, roles: ['technician'], language: 'en'}})
    const welcome = await plant.expect(number, 'To confirm that this is your number')
    const o = await created({id})
    await until('why she is not told', async () => (await plant.api('GET', `/api/v1/work_orders/${o.number}/timeline`)).text.includes('not verified'))
    await say(number, 'YES', welcome.id)
    await plant.expect(number, 'Thank you, your number is confirmed.')
    await event('person.verified', d => d.person.id === id && d.via === 'command')
    await say(number, 'MY WORK')
    await plant.expect(number, 'You have 1 open work order')
    assert.ok(!(await plant.messages(number)).some(m => m.text?.includes('New Work Order Assigned')))
  })

  // ---- commands ----

  row('MY WORK, MORE: open orders, most urgent first, ten at a time; a row shows the order', async () => {
    const ana = await someone()
    const made = []
    for (let i = 0; i < 12; i++) made.push(await created(ana, {priority: i === 7 ? 'critical' : 'low', due_at: undefined}))
    await until('twelve', async () => (await plant.messages(ana.number)).filter(m => m.text?.includes('New Work Order')).length === 12)
    await say(ana.number, 'my work!')
    const m = await plant.expect(ana.number, 'You have 12 open work orders')
    assert.ok(m.text.includes('Reply *MORE* to see 2 more.'), m.text)
    assert.equal(rows(m).length, 10)
    assert.equal(rows(m)[0].title, made[7].number)
    await say(ana.number, '/More')
    assert.equal(rows(await plant.expect(ana.number, 'You have 12 open work orders')).length, 2)
    await tapRow(ana.number, m, made[7].number)
    await plant.expect(ana.number, x => x.text?.startsWith(`🔧 *Work Order ${made[7].number}*`) && titles(x)[0] === 'Start Work')
    await say(ana.number, 'MORE')
    await plant.expect(ana.number, 'There is nothing more to show.')
  })

  row('PENDING, STATUS: what waits for me; my work in numbers', async () => {
    const ana = await someone()
    const a = await created(ana), b = await created(ana, {status: 'acknowledged', due_at: '2026-01-01T00:00:00Z'})
    await created(ana, {status: 'in_progress'})
    await until('three', async () => (await plant.messages(ana.number)).filter(m => m.text?.includes('New Work Order')).length === 3)
    await say(ana.number, 'PENDING')
    const m = await plant.expect(ana.number, '2 work orders wait for you')
    assert.deepEqual(rows(m).map(r => r.title).sort(), [a.number, b.number].sort())
    // An order that a question of ours is about waits for the answer.
    const c = await created(ana, {status: 'acknowledged', due_at: undefined})
    await plant.expect(ana.number, x => x.text?.includes('New Work Order') && x.text.includes(c.number))
    await say(ana.number, `NOTE ${c.number}`)
    await plant.expect(ana.number, `What should the note on work order ${c.number} say?`)
    await say(ana.number, 'PENDING')
    assert.ok(rows(await plant.expect(ana.number, '3 work orders wait for you'))
      .find(r => r.title === c.number).description.includes('waits for your answer'))
    await say(ana.number, `STATUS ${c.number} cancelled`)
    await plant.expect(ana.number, `Work order ${c.number} is now *Cancelled*`)
    await say(ana.number, 'status')
    assert.equal((await plant.expect(ana.number, 'Your work orders')).text,
      '📊 *Your work orders*\n\n📋 Assigned: 3\n👍 Acknowledged: 1\n🔧 In progress: 1\n⏰ Overdue: 1\n✅ Completed today: 0')
    await say(ana.number, `STATUS ${a.number} completed`)
    await plant.expect(ana.number, `✅ Work order ${a.number} completed.`)
    await say(ana.number, 'STATUS')
    await plant.expect(ana.number, 'Completed today: 1')
  })

  row('/wo [number], WO number, /status [number] [status]: each status and its spellings', async () => {
    const ana = await someone()
    const o = await created(ana, {number: `WO-20241201-ABC${n + 101}`})
    await plant.expect(ana.number, 'New Work Order Assigned')
    for (const text of [`/wo ${o.number}`, `WO ${o.number.slice(3)}`, o.number.toLowerCase(), `wo abc${o.number.slice(-3)}`]) {
      await say(ana.number, text)
      await plant.expect(ana.number, x => x.text?.startsWith(`🔧 *Work Order ${o.number}*`))
    }
    for (const [word, status, label] of [['in progress', 'in_progress', 'In progress'], ['on_hold', 'on_hold', 'On hold'],
      ['open', 'open', 'Open'], ['done', 'completed', 'completed'], ['open', 'open', 'Open'], ['cancelled', 'cancelled', 'Cancelled']]) {
      await say(ana.number, `/status ${o.number} ${word}`)
      await plant.expect(ana.number, x => x.text?.includes(o.number) && /started|now|completed/.test(x.text), `${word}: ${label}`)
      await event('workorder.status_requested', d => d.workorder.number === o.number && d.to === status)
    }
    await say(ana.number, `/status ${o.number} purple`)
    await plant.expect(ana.number, '“purple” is no status. Use *open*, *in progress*, *on hold*, *completed* or *cancelled*.')
    await say(ana.number, '/wo NO-SUCH-9')
    await plant.expect(ana.number, 'I found no work order')
  })

  row('ACK, START, COMPLETE of the latest; the buttons do the same, once', async () => {
    const ana = await someone()
    const o = await created(ana)
    const first = await plant.expect(ana.number, 'New Work Order Assigned')
    await say(ana.number, 'Ack 👍')
    const acked = await plant.expect(ana.number, `👍 Work order ${o.number} acknowledged.`)
    assert.deepEqual(titles(acked), ['Start Work', 'View Details'])
    const e = await event('workorder.acknowledged', d => d.workorder.number === o.number)
    assert.deepEqual([e.data.via, e.data.person.id, e.data.workorder.rev], ['command', ana.id, 1])
    await say(ana.number, 'COMPLETE')
    const unsure = await plant.expect(ana.number, 'has not been started. Complete it anyway, or start it first?')
    assert.deepEqual(titles(unsure), ['Complete anyway', 'Start'])
    await tap(ana.number, first, 'Start Work')
    const started = await plant.expect(ana.number, `🔧 Work order ${o.number} started.`)
    assert.deepEqual(titles(started), ['Complete', 'Escalate', 'View Details'])
    const s = await event('workorder.status_requested', d => d.workorder.number === o.number && d.to === 'in_progress')
    assert.deepEqual([s.data.via, s.data.from, s.data.expected_rev], ['button', 'acknowledged', 1])
    await tap(ana.number, first, 'Start Work')
    await plant.expect(ana.number, `Work order ${o.number} is already in progress.`)
    await tap(ana.number, first, 'Acknowledge')
    await plant.expect(ana.number, 'That button is out of date')
    await say(ana.number, 'Completed ✅', first.id)
    await plant.expect(ana.number, `✅ Work order ${o.number} completed.`)
    await event('workorder.status_requested', d => d.workorder.number === o.number && d.to === 'completed' && d.via === 'reply')
    await say(ana.number, `START ${o.number}`)
    await plant.expect(ana.number, `is closed (*Completed*). Nothing was changed.`)
  })

  row('several fit: asks with a list, remembers the command, never guesses', async () => {
    const ana = await someone()
    const a = await created(ana, {status: 'in_progress'}), b = await created(ana, {status: 'in_progress'})
    await until('both', async () => (await plant.messages(ana.number)).filter(m => m.text?.includes('New Work Order')).length === 2)
    await say(ana.number, 'NOTE Replaced bearing, needs alignment')
    const asked = await plant.expect(ana.number, 'Which work order is this note for?')
    await tapRow(ana.number, asked, b.number)
    await plant.expect(ana.number, `📝 Note added to work order ${b.number}.`)
    assert.equal((await event('workorder.note_added', d => d.workorder.number === b.number)).data.text, 'Replaced bearing, needs alignment')
    await say(ana.number, 'complete')
    await plant.expect(ana.number, 'Which work order do you want to complete?')
    await say(ana.number, a.number)
    await plant.expect(ana.number, `✅ Work order ${a.number} completed.`)
  })

  row('NOTE, DELAY, ESCALATE with number and text, or asked for', async () => {
    const boss = await someone({roles: ['supervisor'], site: 'east'}), ana = await someone({supervisor: boss.id})
    const o = await created(ana)
    const first = await plant.expect(ana.number, 'New Work Order Assigned')
    await say(ana.number, `note ${o.number} bring grease`)
    await plant.expect(ana.number, 'Note added')
    await say(ana.number, 'NOTE')
    await plant.expect(ana.number, `What should the note on work order ${o.number} say?`)
    await say(ana.number, 'Oil everywhere on the floor')
    await event('workorder.note_added', d => d.text === 'Oil everywhere on the floor')
    await say(ana.number, 'DELAY Waiting for spare parts')
    await plant.expect(ana.number, `⏳ Delay reported for work order ${o.number}: Waiting for spare parts`)
    await event('workorder.delay_reported', d => d.workorder.number === o.number && d.reason === 'Waiting for spare parts')
    for (const [words, hours] of [['in 5 hours, the crane is taken', 5], ['until 24.12.2031: no parts', -1], ['in 2 days', -1],
      ['10 bolts are missing'], ['10, all broken'], ['sun gets into the sensor'], ['tomorrow somebody else is needed']]) {
      await say(ana.number, `DELAY ${words}`)
      const e = await event('workorder.delay_reported', d => d.workorder.number === o.number && d.reason === words)
      const due = e.data.new_due_at
      assert.equal(due !== undefined, hours !== undefined, `${words}: ${due}`)
      if (hours > 0) assert.ok(Math.abs(Date.parse(due) - Date.now() - hours * 3600e3) < 120e3, due)
      if (words.includes('2031')) assert.equal(due, '2031-12-24T10:00:00.000Z', 'at the hour it was due')
      await plant.expect(ana.number, due ? `${o.number}, until` : `${o.number}: ${words}`)
    }
    await say(ana.number, 'HELP', first.id)
    const help = await plant.expect(ana.number, `Do you need assistance with work order ${o.number}?`)
    assert.equal(titles(help)[0], 'Escalate')
    await say(ana.number, 'ESCALATE it is too heavy', first.id)
    await plant.expect(ana.number, `🆘 Work order ${o.number} escalated to ${boss.id}.`)
    const told = await plant.expect(boss.number, '🆘 *Assistance requested*')
    assert.ok(told.text.includes('💬 *Reason:* it is too heavy'), told.text)
    await event('workorder.escalated', d => d.workorder.number === o.number && d.to.id === boss.id && d.why === 'it is too heavy')
  })

  row('who may do what: not yours, not known, stakeholders, supervisors of the site', async () => {
    const ana = await someone(), ben = await someone(), boss = await someone({roles: ['supervisor'], site: `s${kind}`})
    const guest = await someone({roles: ['stakeholder']})
    const o = await created(ana, {site: `s${kind}`})
    await plant.expect(ana.number, 'New Work Order Assigned')
    await say(ben.number, `START ${o.number}`)
    await plant.expect(ben.number, `🚫 Work order ${o.number} is not assigned to you. Nothing was changed.`)
    await say(guest.number, `ACK ${o.number}`)
    await plant.expect(guest.number, 'Commands are for the maintenance team.')
    await say(boss.number, `START ${o.number}`)
    await plant.expect(boss.number, `🔧 Work order ${o.number} started.`)
    const stranger = unused()
    await say(stranger, 'MY WORK')
    await plant.expect(stranger, 'is not registered with Acme Plant yet')
    await say(stranger, 'hello?')
    await say(ana.number, 'MY WORK')
    await plant.expect(ana.number, 'You have 1 open work order')
    assert.deepEqual((await plant.messages(stranger)).map(x => x.text).slice(1), [], 'one polite answer a day')
  })

  row('/help: the commands I may use; HELP NOTE explains one; an unknown word gets the nearest', async () => {
    const ana = await someone(), guest = await someone({roles: ['stakeholder']})
    await say(ana.number, '/help')
    const m = await plant.expect(ana.number, '🤖 *Available commands*')
    for (const word of ['MY WORK', 'PENDING', 'STATUS', 'ACK', 'START', 'COMPLETE', 'NOTE', 'DELAY', 'ESCALATE', 'RESPONDING', 'CONFIRM',
      'REPORT', 'TRAINING', 'LANGUAGE', 'SETTINGS', 'STOP', 'HELP']) assert.ok(m.text.includes(`*${word}`), `${word} in ${m.text}`)
    await say(guest.number, 'HELP')
    assert.ok(!(await plant.expect(guest.number, 'Available commands')).text.includes('MY WORK'))
    await say(ana.number, 'help note')
    await plant.expect(ana.number, '*NOTE text* adds a note to your current work order')
    await say(ana.number, 'HELP dance')
    await plant.expect(ana.number, 'There is no command “dance”.')
    await say(ana.number, 'PENDNG')
    await plant.expect(ana.number, 'Did you mean *PENDING*')
    await say(ana.number, 'qwertzuiop')
    await plant.expect(ana.number, 'Reply *HELP* to see what I can do.')
  })

  row('RESPONDING, CONFIRM, SAFE, HELP ME with nothing to answer say so', async () => {
    const ana = await someone()
    for (const [word, answer] of [['RESPONDING', 'No alert is waiting'], ['CONFIRM', 'No scheduled maintenance is waiting'],
      ['SAFE', 'No roll call is waiting'], ['HELP ME', 'No roll call is waiting']]) {
      await say(ana.number, word)
      await plant.expect(ana.number, answer)
    }
  })

  row('LANGUAGE xx: changes the language, and says so in it', async () => {
    const ana = await someone()
    await say(ana.number, 'LANGUAGE')
    const m = await plant.expect(ana.number, 'I speak ')
    assert.ok(rows(m).length >= 6)
    await say(ana.number, 'language es')
    await plant.expect(ana.number, 'A partir de ahora te escribo en español')
    await event('person.preferences_changed', d => d.person.id === ana.id && d.language === 'es')
    await say(ana.number, 'MI TRABAJO')
    await plant.expect(ana.number, 'No tienes órdenes de trabajo abiertas')
    await say(ana.number, 'MY WORK')
    await plant.expect(ana.number, 'No tienes órdenes de trabajo abiertas')
  })

  row('SETTINGS: a link of 15 minutes, each time another', async () => {
    const ana = await someone()
    await say(ana.number, 'settings')
    const m = await plant.expect(ana.number, '⚙️ Your settings')
    const [, token] = m.text.match(/\/whatsapp\/settings\?token=(acme\.\d+\.[\w-]+\.[0-9a-f]{32})\n/)
    const [, until, who] = token.split('.')
    assert.equal(Buffer.from(who, 'base64url').toString(), ana.id)
    assert.ok(Math.abs(Number(until) - Date.now() - 15 * 60e3) < 60e3)
  })

  row('Training Content: published to its audience, [Read] counted; TRAINING [word] finds it again', async () => {
    const ana = await someone({teams: [`t${kind}`]}), ben = await someone({teams: [`t${kind}`]}), other = await someone()
    const item = {id: `hoist-${kind}`, title: 'Safe use of the hoist', text: 'Check the hook and the chain.', audience: {teams: [`t${kind}`]}}
    await say(ana.number, 'TRAINING')
    await plant.expect(ana.number, 'There is no training material for you yet.')
    await tell('training.published', {training: {...item, ask_read: true}})
    const m = await plant.expect(ana.number, '🎓 *Safe use of the hoist*')
    assert.equal(m.text, '🎓 *Safe use of the hoist*\n\nCheck the hook and the chain.\n\nPlease tap the button when you have read it.')
    assert.deepEqual(titles(m), ['Read'])
    await plant.expect(ben.number, 'Safe use of the hoist')
    await tap(ana.number, m, 'Read')
    await plant.expect(ana.number, 'It is recorded that you have read it.')
    await until('one of two', async () => {
      const b = (await plant.api('GET', `/api/v1/broadcasts/training-${item.id}`)).json
      return b?.counts?.answered === 1 && b.counts.total === 2 && b.ask === 'read'
    })
    await event('broadcast.answered', d => d.person.id === ana.id && d.answer === 'read')
    // A file: with its words as caption; and nothing to who does not want training.
    const r = await plant.api('PUT', `/api/v1/users/${ben.id}`, {preferences: {classes: {training: false}}})
    assert.equal(r.status, 200, r.text)
    await tell('training.published', {training: {...item, id: `pump-${kind}`, title: 'Pumps', text: 'How a pump is vented.',
      media: {url: 'https://files.example.com/pump.pdf', mime: 'application/pdf', filename: 'pump.pdf'}}})
    const file = await plant.expect(ana.number, 'How a pump is vented.')
    assert.ok(!JSON.stringify(file).includes('pump.pdf'), 'no provider takes a document and its words together')
    await until('the file', async () => (await plant.messages(ana.number)).some(x => JSON.stringify(x).includes('https://files.example.com/pump.pdf')))
    await say(ana.number, 'Training')
    const list = await plant.expect(ana.number, 'Which training material do you want?')
    assert.deepEqual(rows(list).map(x => x.title), ['Pumps', 'Safe use of the hoist'])
    await tapRow(ana.number, list, 'Safe use of the hoist')
    assert.equal((await plant.expect(ana.number, 'Check the hook')).text, '🎓 *Safe use of the hoist*\n\nCheck the hook and the chain.')
    await say(ana.number, 'TRAINING pump')
    await plant.expect(ana.number, 'How a pump is vented.')
    await say(ana.number, 'TRAINING welding')
    await plant.expect(ana.number, 'I found no training material about “welding”.')
    await say(other.number, 'TRAINING')
    await plant.expect(other.number, 'There is no training material for you yet.')
    assert.ok(!(await plant.messages(ben.number)).some(x => x.text?.includes('vented')))
  })

  row('New User Support: onboarding messages, once, after the verification', async () => {
    const ana = await someone({language: 'es'})
    for (const part of ['Bienvenida a la planta', 'https://files.example.com/rules.pdf']) { // also before the confirmation: of another class
      await until(part, async () => (await plant.messages(ana.number)).some(x => JSON.stringify(x).includes(part)))
    }
    await say(ana.number, 'Hola')
    await plant.expect(ana.number, 'AYUDA')
    assert.equal((await plant.messages(ana.number)).filter(x => x.text?.includes('Bienvenida')).length, 1)
  })

  // ---- consent ----

  row('STOP asks when orders are open; by class, most, all; START opts in, a second one begins the work', async () => {
    const ana = await someone()
    const o = await created(ana, {status: 'acknowledged'})
    await plant.expect(ana.number, 'New Work Order Assigned')
    await say(ana.number, 'stop the machine')
    await plant.expect(ana.number, 'I did not understand')
    await say(ana.number, 'Stop!')
    const asked = await plant.expect(ana.number, 'You have 1 open work order. Which messages should stop?')
    assert.ok(asked.text.includes('Safety broadcasts keep coming unless you choose *everything* (or reply *STOP ALL*).'))
    await tapRow(ana.number, asked, 'Parts delivery')
    await plant.expect(ana.number, 'No more messages of this kind: Parts delivery')
    await event('person.opted_out', d => d.person.id === ana.id && d.classes.join() === 'parts')
    await tell('workorder.parts_changed', {workorder: o, parts: [{id: 'b', name: 'Bolt', status: 'arrived'}]})
    await tell('workorder.comment_added', {workorder: o, comment: {id: 'c', text: 'still told'}})
    await plant.expect(ana.number, 'still told')
    assert.ok(!(await plant.messages(ana.number)).some(x => x.text?.includes('Parts arrived')))
    await say(ana.number, 'START')
    await plant.expect(ana.number, 'You get messages again. To begin a work order, reply *START* once more.')
    await event('person.opted_in', d => d.person.id === ana.id && d.classes.join() === 'parts')
    await say(ana.number, 'START')
    await plant.expect(ana.number, `🔧 Work order ${o.number} started.`)
    await say(ana.number, 'STOP')
    await tapRow(ana.number, await plant.expect(ana.number, 'Which messages should stop?'), 'Nothing, keep all')
    await plant.expect(ana.number, 'Nothing was changed, you keep getting all messages.')
  })

  row('STOP with nothing open keeps critical safety broadcasts; STOP ALL ends those too', async () => {
    const ana = await someone()
    const alarm = async text => (await plant.api('POST', '/api/v1/broadcasts',
      {text, title: 'Fire', priority: 'critical', audience: {users: [ana.id]}})).json
    await say(ana.number, 'STOP')
    await plant.expect(ana.number, 'You get no more messages, except critical safety broadcasts.')
    await created(ana)
    await alarm('Leave hall 2')
    await plant.expect(ana.number, 'Leave hall 2')
    await say(ana.number, 'STOP ALL')
    await plant.expect(ana.number, 'not even safety broadcasts')
    await event('person.opted_out', d => d.person.id === ana.id && d.classes.includes('all'))
    assert.deepEqual((await alarm('Come back')).skipped.map(s => s.user), [ana.id])
    assert.equal((await plant.api('GET', `/api/v1/users/${ana.id}`)).json.opted_out, 'all')
    await say(ana.number, 'start')
    await plant.expect(ana.number, 'You get messages again.')
    assert.ok(!(await plant.messages(ana.number)).some(x => /New Work Order|Come back/.test(x.text)))
  })

  row('Notification Preferences by the API: each class by itself, and the CMMS is told', async () => {
    const ana = await someone()
    const put = async preferences => {
      const r = await plant.api('PUT', `/api/v1/users/${ana.id}`, {preferences})
      assert.equal(r.status, 200, r.text)
    }
    await put({classes: {escalations: false, reminders: false}})
    const e = await event('person.preferences_changed', d => d.person.id === ana.id)
    assert.deepEqual([e.data.classes, e.data.via], [['escalations', 'reminders'], 'api'])
    const o = await created(ana, {priority: 'medium'})
    await plant.expect(ana.number, 'New Work Order Assigned')
    await tell('workorder.priority_changed', {workorder: {...o, rev: 2, priority: 'high'}, previous: {priority: 'medium'}})
    await tell('workorder.comment_added', {workorder: {...o, rev: 2}, comment: {id: 'c', text: 'one'}})
    await plant.expect(ana.number, 'one')
    await put({classes: {escalations: true}})
    await tell('workorder.priority_changed', {workorder: {...o, rev: 3, priority: 'critical'}, previous: {priority: 'high'}})
    const m = await plant.expect(ana.number, '🚨 *Priority Escalated*')
    assert.ok(m.text.includes('⚡ *Priority:* High → Critical\nPlease prioritize this work order.'), m.text)
    assert.equal((await plant.messages(ana.number)).filter(x => x.text?.includes('Escalated')).length, 1)
    const log = await plant.api('GET', `/api/v1/work_orders/${o.number}/timeline`)
    assert.ok(log.text.includes('switched off in the preferences'), log.text)
  })

  row('TRAINING in the language of whoever asks; STOP ALL holds what waits for the quiet hours to end', async () => {
    const ana = await someone({language: 'es'})
    await until('the welcome', async () => (await plant.messages(ana.number)).some(m => m.text?.includes('Bienvenida')))
    await say(ana.number, 'FORMACIÓN')
    await plant.expect(ana.number, 'Todavía no hay material de formación para ti.')
    const hour = h => `${String((new Date().getUTCHours() + h + 24) % 24).padStart(2, '0')}:00`
    const ben = await someone({timezone: 'UTC', preferences: {classes: {}, quiet_hours: {from: hour(-1), to: hour(3)}}})
    const o = await created(ben, {priority: 'low'})
    const waiting = await until('it to wait', async () => (await plant.api('GET', `/api/v1/messages?user=${ben.id}&work_order=${o.number}`)).json.items[0])
    assert.equal(waiting.state, 'queued')
    await created(ben, {priority: 'critical', title: 'Gas leak'})
    await plant.expect(ben.number, 'Gas leak')
    await say(ben.number, 'STOP ALL')
    await plant.expect(ben.number, 'not even safety broadcasts')
    await until('it to be dropped', async () => (await plant.api('GET', `/api/v1/messages/${waiting.id}`)).json.state === 'cancelled')
    assert.ok(!(await plant.messages(ben.number)).some(m => m.text?.includes(o.number)))
    const told = await event('message.status_changed', d => d.message.id === waiting.id)
    assert.deepEqual([told.subject, told.data.message.state, told.data.message.work_order, told.data.message.reason.text],
      [o.number, 'cancelled', o.number, 'the person stopped such messages'])
    const entry = (await plant.api('GET', `/api/v1/work_orders/${o.number}/timeline`)).text
    assert.ok(entry.includes(`message ${waiting.id} cancelled: the person stopped such messages`), entry)
  })

  row('what the API stops for him is withdrawn as what he stops himself', async () => {
    const hour = h => `${String((new Date().getUTCHours() + h + 24) % 24).padStart(2, '0')}:00`
    const quiet = {from: hour(-1), to: hour(3)}
    for (const change of [{opted_out: ['assignments']}, {preferences: {classes: {assignments: false}}}, 'import', 'event']) {
      const ben = await someone({timezone: 'UTC', preferences: {classes: {}, quiet_hours: quiet}})
      const o = await created(ben, {priority: 'low'})
      const waiting = await until('it to wait', async () => (await plant.api('GET', `/api/v1/messages?user=${ben.id}&work_order=${o.number}`)).json.items[0])
      assert.equal(waiting.state, 'queued')
      if (change === 'import') {
        assert.equal((await plant.api('POST', '/api/v1/users/import', [{id: ben.id, opted_out: 'all'}])).json.updated, 1)
      } else if (change === 'event') {
        await tell('person.upserted', {person: {id: ben.id, opted_out: ['assignments']}})
      } else {
        assert.equal((await plant.api('PUT', `/api/v1/users/${ben.id}`, change)).status, 200)
      }
      const told = await event('message.status_changed', d => d.message.id === waiting.id)
      assert.equal(told.data.message.state, 'cancelled', JSON.stringify(change))
      assert.equal((await plant.api('GET', `/api/v1/messages/${waiting.id}`)).json.timeline.at(-1).detail, 'the person stopped such messages')
    }
  })

  row('the plant stops', async () => {
    assert.equal((await plant.stop()).code, 0)
  })
}

suite('meta')
suite('twilio')
await run()
