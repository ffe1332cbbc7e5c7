#!/usr/bin/env node
// 20 kills of the gateway and 10 of Redis at 200 webhooks/s and 100 sends/s. Then the three ledgers must agree:
// what the client was answered 2xx for, what the provider got, what the CMMS got (promises P1 to P5).
//   KILLS=20 REDIS_KILLS=10 WEBHOOKS=200 SENDS=100 tests/integration/crash.mjs
import {HARD, Load} from './ledgers.mjs'
import {Plant, run, sleep, test} from './lib.mjs'

const KILLS = Number(process.env.KILLS ?? 20), REDIS_KILLS = Number(process.env.REDIS_KILLS ?? 10)
const GAP_MS = 1200

test(`${KILLS} kills of the gateway and ${REDIS_KILLS} of Redis under load: 0 lost, every repeat explained`, async () => {
  const plant = await new Plant(HARD).start()
  const load = new Load(plant, {webhooks: Number(process.env.WEBHOOKS ?? 200), sends: Number(process.env.SENDS ?? 100)})
  await load.people()
  await load.start()
  let redisKilled = 0
  for (let k = 0; k < KILLS; k++) {
    await sleep(GAP_MS * (0.5 + Math.random()))
    if (redisKilled < REDIS_KILLS && k % 2 === 0) {
      const pid = plant.redisPid()
      if (pid) { process.kill(pid, 'SIGKILL'); redisKilled++ }
      await sleep(300)
    }
    await plant.kill()
    await plant.startGateway()
  }
  await load.stop()
  await load.settle(8)
  console.log(`${KILLS} gateway kills, ${redisKilled} Redis kills: ${(await load.compare()).summary}`)
})

await run()
