// A plant under load, hard weather for its Redis, and the books behind it.
import {HARD, Load} from './ledgers.mjs'
import {Plant, sleep, test} from './lib.mjs'
import {Redis, freeAll} from './redis.mjs'

export const one = async () => {
  const redis = await new Redis().start()
  return {redis, url: redis.url}
}

// before() makes the Redis: {url, options of the plant}; during() is the weather, and says what it was; after() looks closer.
export function weather(name, {before, during, after, webhooks, sends}) {
  test(name, async () => {
    const world = await before()
    const {durability, ...more} = world.options ?? {}
    const plant = await new Plant({...HARD, file: {...HARD.file, durability}, env: {REDIS_URL: world.url ?? ''}, ...more}).start()
    const load = new Load(plant, {webhooks, sends})
    await load.people()
    await load.start()
    await sleep(1000)
    const said = await during(world, plant, load)
    await sleep(1000)
    await load.stop()
    await plant.ready()
    await load.settle()
    const books = await load.compare()
    console.log(`${said ?? name}: ${books.summary}`)
    await after?.(world, plant, load, books)
    await plant.stop()
    world.done?.()
    await freeAll()
  })
}
