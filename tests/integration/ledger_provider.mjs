// A provider (Meta's dialect) in a process of its own that takes everything and keeps a ledger: when each
// message came, to whom. It counts what the real one would have refused: the pair limit of one message in
// 6 s to one person behind a burst of 45 (131056), and says so. GET /ledger, DELETE /ledger; PUT /answer
// {"status","code","retry_after","token"} answers that to all sends, or to those with that token only.
// When this process itself did not get to run, what came meanwhile is dated late: `stalls` says when and how long.
import http from 'node:http'

const PAIR_US = 6e6, PAIR_BURST = 45
const pairs = new Map()
let ledger = [], refused = 0, answer = null, stalls = [], ticked

const now = () => Math.round(performance.timeOrigin * 1000 + performance.now() * 1000)

setInterval(() => {
  const at = now(), late = at - (ticked ?? at) - 2000
  if (late > 3000) stalls.push([at, late])
  ticked = at
}, 2)

function tooFast(to, at) {
  const tat = Math.max(pairs.get(to) ?? 0, at)
  if (tat - at > (PAIR_BURST - 1) * PAIR_US) return true
  pairs.set(to, tat + PAIR_US)
  return false
}

function send(req, res, body) {
  const at = now(), to = /"to":"([^"]+)"/.exec(body)?.[1], text = /"body":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1]
  const fits = answer && (!answer.token || req.headers.authorization === `Bearer ${answer.token}`)
  const number = req.url.split('/')[2]
  if (fits || (process.env.PAIR_LIMIT && tooFast(to, at))) {
    const {status, code, retry_after} = fits ? answer : {status: 400, code: 131056}
    refused++
    res.writeHead(status, {'content-type': 'application/json', ...(retry_after ? {'retry-after': String(retry_after)} : {})})
    res.end(JSON.stringify({error: {message: `(#${code}) refused`, type: 'OAuthException', code}}))
    ledger.push([at, to, text, number, code])
    return
  }
  ledger.push([at, to, text, number, 0])
  res.writeHead(200, {'content-type': 'application/json'})
  res.end(JSON.stringify({messaging_product: 'whatsapp', contacts: [{input: to, wa_id: to}], messages: [{id: `wamid.L${ledger.length}`}]}))
}

const server = http.createServer((req, res) => {
  const parts = []
  req.on('data', d => parts.push(d))
  req.on('end', () => {
    const body = Buffer.concat(parts).toString()
    if (req.url === '/ledger') {
      res.end(JSON.stringify({refused, stalls, sends: ledger}))
      if (req.method === 'DELETE') { ledger = []; refused = 0 }
    } else if (req.url === '/answer') {
      answer = JSON.parse(body)
      res.end()
    } else if (req.method === 'POST') {
      send(req, res, body)
    } else { // what a probe asks for
      res.writeHead(answer?.status ?? 200, {'content-type': 'application/json'})
      res.end(JSON.stringify(answer ? {error: {message: 'refused', code: answer.code}} : {id: '1', status: 'CONNECTED'}))
    }
  })
})
server.keepAliveTimeout = 60000
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit(0))
