#!/usr/bin/env node
// Scheduled maintenance over real HTTP, as the seeds lay it out: reminded, done, confirmed, at another time, refused; with both
// providers and where there are no buttons; a kill -9 in the middle.
import {Talk, WAYS, assert, run, test, until} from './lib.mjs'

const MOVED = 'gateway.pm.reschedule_requested.v1'

for (const way of WAYS) {
  const talk = new Talk(way, {tenant: {timezone: 'America/New_York'}})
  const row = (name, fn) => test(`${name} (${way})`, fn)
  let n = 0
  const pm = async (people, more = {}) => {
    const id = `PM-${++n}`
    await talk.tell('cmms.pm.due.v1', {pm: {id, task: 'Monthly filter replacement', asset: {id: 'a5', name: 'HVAC Unit #5'},
      periodicity: 'monthly', due_at: '2031-12-01T14:00:00Z', assignees: people.map(p => p.id), ...more}})
    return id
  }
  const event = (who, type, id) => until(`${type} of ${id}`, async () => (await talk.said(who, type)).find(e => e.data.pm.id === id))

  row('starts', () => talk.plant.start())

  row('Maintenance Reminder: its layout; Mark as Done tells the CMMS and the others, once', async () => {
    const ana = await talk.someone(), ben = await talk.someone()
    const id = await pm([ana, ben])
    const m = await talk.expect(ana, 'Maintenance Reminder')
    assert.ok(m.text.startsWith('📅 *Maintenance Reminder*\n\n*Equipment:* HVAC Unit #5\n*Task:* Monthly filter replacement\n*Due:* Dec 1, 2031'), m.text)
    if (way !== 'numbered') assert.deepEqual(m.buttons.map(b => b.title), ['Mark as Done', 'Reschedule', 'Confirm'])
    const bens = await talk.expect(ben, 'Maintenance Reminder')
    await talk.tap(ana, m, 'Mark as Done')
    await talk.expect(ana, 'is done')
    assert.equal((await event(ana, 'gateway.pm.completed.v1', id)).subject, id)
    await talk.expect(ben, 'has done it')
    await talk.tap(ben, bens, 'Mark as Done')
    await talk.expect(ben, 'done already')
    assert.equal((await talk.plant.everything()).filter(e => e.data.pm?.id === id).length, 1)
  })

  row('Confirm, by its button and by its word', async () => {
    const ana = await talk.someone()
    const one = await pm([ana])
    await talk.tap(ana, await talk.expect(ana, 'Maintenance Reminder'), 'Confirm')
    await event(ana, 'gateway.pm.confirmed.v1', one)
    const two = await pm([ana])
    await talk.expect(ana, 'Maintenance Reminder')
    await talk.say(ana, 'CONFIRM')
    await event(ana, 'gateway.pm.confirmed.v1', two)
  })

  row('Reschedule: from the list, by a typed date, by the command; what is no date is asked again', async () => {
    const ana = await talk.someone()
    const one = await pm([ana])
    await talk.tap(ana, await talk.expect(ana, 'Maintenance Reminder'), 'Reschedule')
    const list = await talk.expect(ana, 'When should')
    await talk.tap(ana, list, 'Tomorrow')
    const e = await event(ana, MOVED, one)
    const hours = (Date.parse(e.data.new_due_at) - Date.now()) / 3600000
    assert.ok(hours > 0 && hours < 48, e.data.new_due_at)
    assert.equal(new Date(e.data.new_due_at).toLocaleTimeString('en-US', {timeZone: 'America/New_York', hour: 'numeric'}), '9 AM')
    const two = await pm([ana])
    await talk.tap(ana, await talk.expect(ana, 'Maintenance Reminder'), 'Reschedule')
    await talk.tap(ana, await talk.expect(ana, 'When should'), 'Another date')
    await talk.expect(ana, 'Reply with a date')
    await talk.say(ana, 'when it suits')
    await talk.expect(ana, 'could not read a date')
    await talk.say(ana, '2019-05-01')
    await talk.expect(ana, 'is over already')
    await talk.say(ana, '24/12/2031 14:30')
    assert.equal((await event(ana, MOVED, two)).data.new_due_at, '2031-12-24T19:30:00.000Z')
    const three = await pm([ana])
    await talk.expect(ana, 'Maintenance Reminder')
    await talk.say(ana, `RESCHEDULE ${three} 2032-02-03`)
    assert.equal((await event(ana, MOVED, three)).data.new_due_at, '2032-02-03T14:00:00.000Z')
  })

  row('in his own language', async () => {
    const luz = await talk.someone({language: 'es'})
    const id = await pm([luz])
    await talk.tap(luz, await talk.expect(luz, 'Recordatorio de mantenimiento'), 'Reprogramar')
    await talk.expect(luz, '¿Cuándo')
    await talk.say(luz, 'el 24 de diciembre de 2031 a las 14:30')
    assert.equal((await event(luz, MOVED, id)).data.new_due_at, '2031-12-24T19:30:00.000Z')
  })

  row('killed while the CMMS is being told: done once', async () => {
    const ana = await talk.someone()
    const id = await pm([ana])
    await talk.tapAndKill(ana, await talk.expect(ana, 'Maintenance Reminder'), 'Mark as Done', 'is done')
    await event(ana, 'gateway.pm.completed.v1', id)
    assert.equal((await talk.plant.everything()).filter(e => e.data.pm?.id === id).length, 1)
  })

  row('nobody answers: reminded once more when it is due, and PENDING shows it', async () => {
    let ana, due, soon = 1000
    do { // whom it reaches when it is due already is told once
      ana = await talk.someone()
      due = Date.now() + (soon *= 2)
      await pm([ana], {due_at: new Date(due).toISOString()})
      await talk.expect(ana, 'Maintenance Reminder')
    } while (Date.now() > due)
    await talk.expect(ana, 'Maintenance is due now', undefined, soon + 10000)
    await talk.say(ana, 'PENDING')
    const list = await talk.expect(ana, '1 thing waits for you')
    await talk.tap(ana, list, way === 'numbered' ? 'Monthly' : list.rows[0].title)
    await talk.tap(ana, await talk.expect(ana, 'Maintenance Reminder'), 'Mark as Done')
    await talk.expect(ana, 'is done')
  })

  row('refused by the CMMS: told why, and it is as before', async () => {
    const ana = await talk.someone()
    const id = await pm([ana])
    const m = await talk.expect(ana, 'Maintenance Reminder')
    let refused = false
    talk.plant.cmms.answer = post => {
      if (refused || post.event.data.pm?.id !== id) return {status: 204}
      refused = true
      return {status: 409, body: {reason: 'locked for the audit'}}
    }
    await talk.tap(ana, m, 'Mark as Done')
    const no = await talk.expect(ana, 'locked for the audit')
    await talk.tap(ana, no, 'Mark as Done')
    await until('told again', async () => (await talk.said(ana, 'gateway.pm.completed.v1')).filter(e => e.data.pm.id === id).length === 2)
  })

  row('ends', () => talk.plant.stop())
}

await run()
