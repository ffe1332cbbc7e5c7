#!/usr/bin/env node
// Rounds of checklists over real HTTP: every kind of item by buttons, rows, numbers and words, with both providers and
// where there are no buttons; a kill -9 in the middle; the lists of work orders.
import {Talk, WAYS, assert, order, run, test, until} from './lib.mjs'

const ANSWERED = 'gateway.checklist.answered.v1', SUBMITTED = 'gateway.checklist.submitted.v1'
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(2000, 7)])
const items = [
  {id: 'oil', label: 'Oil level', kind: 'check', required: true},
  {id: 'belt', label: 'Belt tension', kind: 'check', required: true},
  {id: 'leaks', label: 'Leaks', kind: 'yes_no_na', required: true},
  {id: 'guard', label: 'Guards', kind: 'pass_flag_fail', required: true},
  {id: 'bar', label: 'Pressure', kind: 'number', unit: 'bar', min: 2, max: 10, required: true},
  {id: 'words', label: 'Remarks', kind: 'text'},
  {id: 'noise', label: 'Noise', kind: 'choice', options: ['Low', {id: 'mid', label: 'Medium'}, 'High', 'Very high'], required: true},
  {id: 'photo', label: 'Nameplate', kind: 'photo', required: true},
]
const simple = n => Array.from({length: n}, (_, i) => ({id: `i${i + 1}`, label: `Point ${i + 1}`, kind: 'check', required: true}))

for (const way of WAYS) {
  const talk = new Talk(way, {tenant: {checklist_overdue_after_s: 0}})
  const row = (name, fn) => test(`${name} (${way})`, fn)
  let n = 0
  const round = async (people, list, more = {}) => {
    const id = `CL-${++n}`
    await talk.tell('cmms.checklist.due.v1', {checklist: {id, name: 'Daily boiler check', period: 'daily', items: list,
      assignees: people.map(p => p.id), ...more}})
    return id
  }
  const answers = async (who, id) => (await talk.said(who, ANSWERED)).filter(e => e.data.checklist.id === id).map(e => e.data.items[0])
  const submitted = (who, id) => until('it to be submitted', async () =>
    (await talk.said(who, SUBMITTED)).find(e => e.data.checklist.id === id && e.data.complete))

  row('starts', () => talk.plant.start())

  row('every kind of item, from the event to the summary', async () => {
    const ana = await talk.someone()
    const id = await round([ana], items)
    const first = await talk.expect(ana, '📋 *Checklist:* Daily boiler check')
    assert.match(first.text, /8 items/)
    await talk.tap(ana, first, 'Start')
    await talk.tap(ana, await talk.expect(ana, 'Daily boiler check* 1/8'), '✔ Done')
    await talk.tap(ana, await talk.expect(ana, '2/8'), '✖ Not Done')
    await talk.expect(ana, 'Why?')
    await talk.say(ana, 'the belt is torn')
    await talk.tap(ana, await talk.expect(ana, '3/8'), 'N/A')
    await talk.tap(ana, await talk.expect(ana, '4/8'), '⚠ Flag')
    await talk.tap(ana, await talk.expect(ana, 'Why?'), 'Skip')
    assert.match((await talk.expect(ana, '5/8')).text, /number in bar\.\nNormal: 2 to 10/)
    await talk.say(ana, '14')
    await talk.tap(ana, await talk.expect(ana, '*14 bar* is outside'), 'No')
    await talk.expect(ana, '5/8')
    await talk.say(ana, '2') // a number is the answer here, not the second button of something before
    assert.match((await talk.expect(ana, '6/8')).text, /SKIP/)
    await talk.say(ana, 'skip')
    await talk.tap(ana, await talk.expect(ana, '7/8'), 'Medium')
    await talk.expect(ana, '8/8')
    await talk.plant.inbound({from: ana.number, to: talk.to, type: 'image',
      media: {mime: 'image/jpeg', data: JPEG.toString('base64'), caption: 'serial 4711'}})
    const sum = await talk.expect(ana, 'is submitted')
    assert.match(sum.text, /Answered: 7 of 8/)
    assert.match(sum.text, /Belt tension: \*✖ Not Done\* \(the belt is torn\)/)
    assert.match(sum.text, /Remarks: \*left out\*/)
    const e = await submitted(ana, id)
    assert.deepEqual(e.data.items.map(i => i.value), ['done', 'not_done', 'na', 'flag', 2, null, 'mid', null])
    assert.equal(e.data.items[1].note, 'the belt is torn')
    assert.equal(e.data.items[5].state, 'skipped')
    assert.equal(e.data.items[7].note, 'serial 4711')
    assert.equal(e.subject, id)
    for (const i of e.data.items) assert.equal(i.by.id, ana.id)
    const got = await until('the photo by its link', async () => {
      const r = await fetch(e.data.items[7].media.url)
      return r.status === 200 && Buffer.from(await r.arrayBuffer())
    })
    assert.ok(got.equals(JPEG))
    assert.deepEqual((await answers(ana, id)).map(i => i.id),
      ['oil', 'belt', 'belt', 'leaks', 'guard', 'bar', 'words', 'noise', 'photo'])
  })

  row('in his own language, in words; commands go in between; CORRECT', async () => {
    const luz = await talk.someone({language: 'es'})
    const id = await round([luz], items.slice(0, 5))
    await talk.tap(luz, await talk.expect(luz, '📋 *Lista de control:*'), 'Empezar')
    await talk.expect(luz, '1/5')
    await talk.say(luz, 'hecho')
    await talk.expect(luz, '2/5')
    await talk.say(luz, 'MIS ÓRDENES')
    await talk.expect(luz, 'No tienes órdenes')
    await talk.say(luz, '✅')
    await talk.expect(luz, '3/5')
    await talk.say(luz, 'CORREGIR 1')
    await talk.expect(luz, '1/5')
    await talk.say(luz, 'no')
    await talk.expect(luz, '¿Por qué?')
    await talk.say(luz, 'omitir')
    await talk.expect(luz, '3/5')
    await talk.say(luz, 'no aplica')
    await talk.expect(luz, '4/5')
    await talk.say(luz, 'bien')
    await talk.expect(luz, '5/5')
    await talk.say(luz, '7,5 bar')
    await talk.expect(luz, 'está enviada')
    assert.deepEqual((await submitted(luz, id)).data.items.map(i => i.value), ['not_done', 'done', 'na', 'pass', 7.5])
    await talk.say(luz, 'CORREGIR 1')
    await talk.expect(luz, 'Lo enviado queda como está. Avisa a tu supervisor')
  })

  row('a button of before: another answer corrects, the same changes nothing', async () => {
    if (way === 'numbered') return // a number is of the question shown last
    const ana = await talk.someone()
    const id = await round([ana], simple(3))
    await talk.tap(ana, await talk.expect(ana, 'Daily boiler check'), 'Start')
    const one = await talk.expect(ana, '1/3')
    await talk.tap(ana, one, '✔ Done')
    await talk.expect(ana, '2/3')
    await talk.tap(ana, one, '✔ Done')
    await talk.expect(ana, m => /Nothing was changed/.test(m.text))
    await talk.tap(ana, one, '✖ Not Done')
    await talk.tap(ana, await talk.expect(ana, 'Why?'), 'Skip')
    await talk.expect(ana, '2/3')
    assert.deepEqual((await answers(ana, id)).map(i => [i.id, i.value]), [['i1', 'done'], ['i1', 'not_done']])
  })

  row('whoever begins has it; the other is told, and may take it over', async () => {
    const ana = await talk.someone(), ben = await talk.someone()
    const id = await round([ana, ben], simple(2))
    const bens = await talk.expect(ben, 'Daily boiler check')
    await talk.tap(ana, await talk.expect(ana, 'Daily boiler check'), 'Start')
    await talk.expect(ana, '1/2')
    await talk.expect(ben, 'is doing the checklist')
    await talk.tap(ben, bens, 'Start')
    await talk.tap(ben, await talk.expect(ben, 'Nothing was changed'), 'Take over')
    await talk.tap(ben, await talk.expect(ben, '1/2'), '✔ Done')
    await talk.expect(ana, 'is doing the checklist')
    await talk.tap(ben, await talk.expect(ben, '2/2'), '✔ Done')
    await submitted(ben, id)
  })

  row('killed in the middle, twice: it goes on at the same item', async () => {
    const ana = await talk.someone()
    const id = await round([ana], simple(4))
    await talk.tap(ana, await talk.expect(ana, 'Daily boiler check'), 'Start')
    let at = await talk.expect(ana, '1/4')
    for (const next of ['2/4', '3/4']) at = await talk.tapAndKill(ana, at, '✔ Done', next)
    await talk.tap(ana, at, '✔ Done')
    await talk.tap(ana, await talk.expect(ana, '4/4'), '✔ Done')
    const e = await submitted(ana, id)
    assert.deepEqual(e.data.items.map(i => i.value), ['done', 'done', 'done', 'done'])
    assert.deepEqual((await answers(ana, id)).map(i => i.id), ['i1', 'i2', 'i3', 'i4'])
  })

  row('overdue: the supervisor hears of it', async () => {
    const boss = await talk.someone({roles: ['supervisor']})
    const ana = await talk.someone({supervisor: boss.id})
    for (let ms = 1500, late = true; late; ms *= 2) { // once more where it was not answered before its time
      const due = Date.now() + ms
      await round([ana], simple(2), {due_at: new Date(due).toISOString()})
      await talk.tap(ana, await talk.expect(ana, 'Daily boiler check'), 'Start')
      await talk.tap(ana, await talk.expect(ana, '1/2'), '✔ Done')
      await talk.expect(ana, '2/2')
      late = Date.now() >= due
      const told = await talk.expect(boss, 'Checklist overdue', 'the overdue one', ms + 10000)
      assert.match(told.text, late ? /[01] of 2/ : /1 of 2/)
    }
  })

  row('the list of a work order: offered, missed, done', async () => {
    const ana = await talk.someone()
    const o = order(500 + n, {assignees: [{id: ana.id}], checklist: simple(2)})
    await talk.tell('cmms.workorder.created.v1', {workorder: o})
    await talk.expect(ana, o.number)
    await talk.say(ana, `START ${o.number}`)
    await talk.expect(ana, 'has a checklist with 2 items')
    await talk.say(ana, 'COMPLETE')
    const missing = await talk.expect(ana, '2 required items')
    await talk.tap(ana, missing, 'Checklist')
    await talk.tap(ana, await talk.expect(ana, '1/2'), '✔ Done')
    await talk.tap(ana, await talk.expect(ana, '2/2'), '✔ Done')
    await talk.expect(ana, 'is submitted')
    await talk.say(ana, 'COMPLETE')
    await talk.expect(ana, 'completed')
    const [e] = await talk.said(ana, SUBMITTED)
    assert.deepEqual([e.subject, e.data.workorder.number], [o.number, o.number])
  })

  row('ends', () => talk.plant.stop())
}

await run()
