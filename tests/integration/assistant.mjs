#!/usr/bin/env node
// The two optional helpers, against an endpoint that judges what it is asked: voice notes that are written down,
// free text that becomes a command; nothing is changed without a tap, and nothing waits for them.
import http from 'node:http'
import {ANA, JOHN, META, Plant, TWILIO, assert, order, run, sleep, test, until} from './lib.mjs'

class Helper { // OpenAI-compatible, as strict as the real ones
  asked = []
  async start() {
    this.server = http.createServer((req, res) => {
      const parts = []
      req.on('data', d => parts.push(d))
      req.on('end', async () => {
        const body = Buffer.concat(parts)
        try {
          const got = req.url === '/v1/chat/completions' ? this.chat(req, body) : this.speech(req, body)
          this.asked.push(got)
          const a = await this.answer(got)
          res.writeHead(a.status ?? 200, {'content-type': 'application/json'})
          res.end(typeof a.body === 'string' ? a.body : JSON.stringify(a.body))
        } catch (e) {
          this.wrong = e
          res.writeHead(400).end(JSON.stringify({error: {message: String(e)}}))
        }
      })
    })
    await new Promise(done => this.server.listen(0, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    return this
  }
  chat(req, body) {
    const j = JSON.parse(body)
    assert.equal(req.method, 'POST')
    assert.equal(req.headers.authorization, 'Bearer chat-key')
    assert.match(req.headers['content-type'], /^application\/json/)
    assert.equal(j.model, 'small')
    assert.deepEqual(j.messages.map(m => m.role), ['system', 'user'])
    assert.equal(j.tool_choice, 'auto')
    for (const t of j.tools) {
      assert.equal(t.type, 'function')
      assert.match(t.function.name, /^[a-z_]{1,64}$/)
      assert.equal(t.function.parameters.type, 'object')
    }
    return {kind: 'chat', ...j}
  }
  speech(req, body) {
    assert.equal(req.url, '/v1/audio/transcriptions')
    assert.equal(req.headers.authorization, 'Bearer speech-key')
    const [, boundary] = req.headers['content-type'].match(/^multipart\/form-data; boundary=(.+)$/)
    const fields = {}
    for (const part of body.toString('latin1').split(`--${boundary}`).slice(1, -1)) {
      const [head, ...rest] = part.split('\r\n\r\n')
      const name = head.match(/name="([^"]+)"/)[1]
      fields[name] = {head, value: Buffer.from(rest.join('\r\n\r\n').replace(/\r\n$/, ''), 'latin1')}
    }
    assert.equal(fields.model.value.toString(), 'whisper-1')
    assert.match(fields.file.head, /filename="voice\.ogg"\r\nContent-Type: audio\/ogg/)
    return {kind: 'speech', language: fields.language.value.toString(), file: fields.file.value}
  }
  stop() { this.server.closeAllConnections(); this.server.close() }
}

const helper = await new Helper().start()
const plant = await new Plant({sandbox: ['--window-open'], file: {assistant: {chat_url: `${helper.url}/v1/chat/completions`, chat_key: 'chat-key', chat_model: 'small',
  speech_url: `${helper.url}/v1/audio/transcriptions`, speech_key: 'speech-key', timeout_ms: 4000}}}).start()
await plant.person('u1', ANA)
await plant.person('u2', JOHN, {language: 'es'}, TWILIO.number)
await plant.event('cmms.workorder.created.v1', {workorder: order(123, {assignees: [{id: 'u1'}]})})
await plant.event('cmms.workorder.created.v1', {workorder: order(7, {status: 'in_progress', assignees: [{id: 'u2'}]})})
await plant.expect(ANA, 'WO-2024-123')
await plant.expect(JOHN, 'WO-2024-007')

const tool = (name, args) => ({body: {choices: [{message: {role: 'assistant', content: null,
  tool_calls: [{id: 'c1', type: 'function', function: {name, arguments: JSON.stringify(args)}}]}}]}})
const says = content => ({body: {choices: [{message: {role: 'assistant', content}}]}})
const text = (t, from = ANA, to = META.number) => plant.inbound({from, to, type: 'text', text: t})
const steps = async () => (await plant.everything()).filter(e => e.type === 'gateway.workorder.status_requested.v1')
const ogg = () => Buffer.concat([Buffer.from('OggS\0\x02\0\0\0\0\0\0\0\0', 'latin1'), Buffer.alloc(14), Buffer.from('\x01\x13OpusHead\x01', 'latin1'), Buffer.alloc(4000, 7)])
const voice = (from, to, more = {}) => plant.inbound({from, to, type: 'audio', media: {mime: 'audio/ogg; codecs=opus', data: ogg().toString('base64'), voice: true}, ...more})

test('free text becomes a command, shown first; nothing is changed before the tap', async () => {
  helper.answer = () => tool('start', {order: 'WO-2024-123'})
  await text('I guess I am going to take care of that belt thing in a moment')
  const m = await plant.expect(ANA, 'START WO-2024-123')
  assert.deepEqual(m.buttons.map(b => b.title), ['Yes, do it', 'No'])
  const asked = helper.asked.at(-1)
  assert.match(asked.messages[0].content, /WO-2024-123/)
  assert.ok(!asked.messages[0].content.includes('WO-2024-007'), 'only his own orders')
  assert.match(asked.messages[1].content, /belt thing/)
  assert.equal((await steps()).length, 0)
  await plant.inbound({from: ANA, to: META.number, type: 'button', button: {title: 'Yes, do it'}, quote: m.id})
  await plant.expect(ANA, 'started')
  assert.deepEqual((await steps()).map(e => [e.subject, e.data.to, e.data.via]), [['WO-2024-123', 'in_progress', 'button']])
})

test('no, and a tap too much: nothing is done', async () => {
  helper.answer = () => tool('complete', {order: 'WO-2024-123'})
  await text('well I could imagine that this one is behind us')
  const m = await plant.expect(ANA, 'COMPLETE WO-2024-123')
  await plant.inbound({from: ANA, to: META.number, type: 'button', button: {title: 'No'}, quote: m.id})
  await plant.expect(ANA, 'nothing was done')
  await plant.inbound({from: ANA, to: META.number, type: 'button', button: {title: 'Yes, do it'}, quote: m.id})
  await sleep(300)
  assert.equal((await steps()).length, 1)
})

test('what only shows something is shown; words are said as words', async () => {
  helper.answer = () => tool('my_work', {})
  await text('could you remind me what is on my plate for today')
  await plant.expect(ANA, m => m.kind !== 'text' && JSON.stringify(m).includes('WO-2024-123'))
  helper.answer = () => says('Please ask your planner about holidays.')
  await text('when do I get my holidays approved by the way')
  await plant.expect(ANA, '🤖 Please ask your planner')
})

test('slow, down, nonsense: the rules answer; a command never waits', async () => {
  const slow = () => sleep(8000).then(() => says('too late'))
  for (const answer of [slow, () => ({status: 500, body: '{}'}), () => ({body: 'not json'}),
    () => tool('rm_rf', {order: '1'}), () => tool('note', {order: 'WO-2024-123', text: 'x\nCOMPLETE WO-2024-123'})]) {
    helper.answer = answer
    const from = (await plant.messages(ANA)).at(-1).seq
    const reached = async fits => (await plant.messages(ANA, from)).find(m => fits.test(m.text ?? ''))
    await text('blah blah something nobody understands at all')
    await text('STATUS')
    const counts = await until('the counts', () => reached(/Assigned/))
    const rules = await until('what the rules say', () => reached(/HELP|NOTE WO-2024-123 x COMPLETE/))
    assert.ok(answer !== slow || counts.seq < rules.seq, 'a command does not wait for the assistant')
  }
  assert.equal((await steps()).length, 1)
})

test('a voice note that says a command is asked about: spoken digits, in English', async () => {
  helper.answer = () => ({body: {text: 'Complete work order one two three.'}})
  await voice(ANA, META.number)
  const m = await plant.expect(ANA, 'You said')
  assert.match(m.text, /work order 123/)
  assert.equal(helper.asked.at(-1).language, 'en')
  assert.ok(helper.asked.at(-1).file.equals(ogg()), 'the very bytes')
  await plant.inbound({from: ANA, to: META.number, type: 'button', button: {title: 'Yes, do it'}, quote: m.id})
  await plant.expect(ANA, 'completed')
  assert.equal((await steps()).at(-1).data.to, 'completed')
})

test('any other voice note is a note of its order, in Spanish over Twilio', async () => {
  helper.answer = () => ({body: {text: 'He cambiado la correa y engrasado los rodamientos.'}})
  await voice(JOHN, TWILIO.number)
  await plant.expect(JOHN, 'engrasado')
  const e = await until('the note', async () => (await plant.everything()).find(x => x.type === 'gateway.workorder.note_added.v1' && x.data.text.includes('engrasado')))
  assert.equal(e.subject, 'WO-2024-007')
  assert.equal(e.data.via, 'media')
  assert.equal(helper.asked.at(-1).language, 'es')
})

test('the endpoint judged every request well formed', () => assert.equal(helper.wrong, undefined))

await run()
helper.stop()
