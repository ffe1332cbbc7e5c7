#!/usr/bin/env node
// What redis_faults.mjs does, longer and several at once: 30 s without Redis, minutes of flushed scripts, resharding and
// failovers. 0 lost each.
import fs from 'node:fs'
import path from 'node:path'
import {Plant, assert, run, sleep, test, until} from './lib.mjs'
import {cluster, moveSlot, sentinels} from './redis.mjs'
import {one, weather} from './weather.mjs'

weather('Redis stands still for 30 s', {
  before: one,
  during: async ({redis}, plant, load) => {
    redis.child.kill('SIGSTOP')
    await sleep(30000)
    assert.ok(load.refused > 0, 'what cannot be stored within 3 s is refused')
    redis.child.kill('SIGCONT')
  },
})

weather('Redis sleeps for 3 s again and again, its scripts flushed, its memory full in between', {
  before: one,
  during: async ({redis}) => {
    const end = Date.now() + 60000
    for (let i = 0; Date.now() < end; i++) {
      await redis.ask('SCRIPT', 'FLUSH')
      if (i % 60 === 20) redis.ask('DEBUG', 'SLEEP', 3).catch(() => {}) // refused where DEBUG is not enabled
      if (i % 60 === 40) await redis.ask('CONFIG', 'SET', 'maxmemory', '1mb')
      if (i % 60 === 50) await redis.ask('CONFIG', 'SET', 'maxmemory', 0)
      await sleep(100)
    }
    await redis.ask('CONFIG', 'SET', 'maxmemory', 0)
  },
})

weather('five masters die one after the other', {
  before: async () => {
    const group = await sentinels(2)
    return {...group, options: {durability: {replicas: 1}}}
  },
  during: async ({master, all}) => {
    for (let i = 0; i < 5; i++) {
      const dead = await master()
      await dead.kill()
      await until('another master', async () => await master() !== dead, 30000)
      await dead.again()
      await until('all in step again', async () => (await (await master()).ask('INFO', 'replication')).includes(`connected_slaves:${all.length - 1}`), 30000)
      await sleep(5000) // a failover is not begun again before its time
    }
  },
})

weather('a minute of resharding', {
  before: () => cluster(3),
  during: async world => {
    const slot = Number(await world.slotOf('acme'))
    let at = world.owner(slot), moves = 0
    for (const end = Date.now() + 60000; Date.now() < end; moves++) {
      const to = (at + 1) % 3
      await moveSlot(slot, world.all[at], world.all[to])
      at = to
      await sleep(300)
    }
    return `the tenant's slot moved ${moves} times`
  },
})

test('the private Redis reads its data for longer than a start may take: it is waited for', async () => {
  const plant = await new Plant({callback: false, phones: []}).start()
  await plant.redis('EVAL', "for i = 1, 7000 do redis.call('SET', 'much:' .. i, i) end", '0')
  plant.gateway.kill('SIGTERM')
  await plant.gateway.exited
  // As many commands as that take it 28 s, and it answers now and then.
  const bin = path.join(plant.dir, 'bin'), own = process.env.PATH.split(':').map(d => path.join(d, 'redis-server')).find(f => fs.existsSync(f))
  fs.mkdirSync(bin)
  fs.writeFileSync(path.join(bin, 'redis-server'), `#!/bin/sh\nexec ${own} "$@" --key-load-delay 4000\n`, {mode: 0o755})
  plant.o.env = {PATH: `${bin}:${process.env.PATH}`}
  const began = Date.now()
  plant.gateway = plant.spawnGateway()
  plant.gateway.exited = new Promise(done => plant.gateway.on('exit', (code, signal) => done({code, signal})))
  await plant.ready(60000)
  assert.ok(Date.now() - began > 20000, 'it took that long')
  assert.match(plant.log(), /the private redis is reading its data/)
  await plant.stop()
})

await run()
