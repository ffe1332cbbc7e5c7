#!/usr/bin/env node
// 100,000 messages queued by one tenant, without a limit: ten of another are out within 2 s. See fairness.mjs.
import {run, test} from './lib.mjs'
import {besideBacklog} from './several.mjs'

test('100,000 queued by one tenant: ten of another are out within 2 s', () => besideBacklog(100000))
await run()
