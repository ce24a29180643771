import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapLimited } from '../../src/base/concurrency.ts';
import { DobosError } from '../../src/base/errors.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { createSandbox, until } from '../support/built-command.ts';
import type { FaultPlan } from '../support/fault-plan.ts';
import { on, useFaultRig } from '../support/fault-rig.ts';
import { USERS, wrongsOf } from '../support/faulty-pull.ts';
import { randomFaultPlan } from '../support/random-fault-plan.ts';

/** DOBOS_SEED repeats a run. */
const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
/** Plans that the built command is tried with. */
const PLANS = 20;

const rig = useFaultRig();

describe('dobos pull from docker-registry through a proxy that fails', () => {
  it(`${PLANS} random plans end complete, or with one clear error (DOBOS_SEED=${SEED})`, {
    timeout: 180_000,
  }, async () => {
    const quick = Array.from({ length: 1000 }, (_, at) => SEED + at).filter((seed) =>
      isQuick(randomFaultPlan(seed)),
    );
    const codes = new Set<number | null>();
    await mapLimited(quick.slice(0, PLANS), 2, async (seed) => {
      codes.add(await tryCommand(seed));
    });
    expect([...codes].sort()).toEqual([0, 1]);
  });

  it('killed at 60 % and started again, fetches at most 45 % of the bytes', async () => {
    const box = createSandbox();
    const total = await rig.pushNoise('killed', 1, 16_000_000);
    const proxy = await rig.proxy({
      faults: [{ ...on('blob', { kind: 'stall', share: 0.6 }), leastBytes: 1_000_000 }],
    });
    try {
      const name = `${proxy.host}/app:killed`;
      const { child, ended } = box.start(['pull', name]);
      expect(await until(() => bytesBelow(box.store) > total * 0.58, 30_000)).toBe(true);
      child.kill('SIGKILL');
      await ended;
      const before = proxy.blobBytes();
      proxy.heal();
      const again = await box.run(['pull', name]);
      expect(again.stderr).toBe('');
      expect(again.code).toBe(0);
      expect((proxy.blobBytes() - before) / total).toBeLessThan(0.45);
      expect((await box.run(['system', 'check'])).code).toBe(0);
    } finally {
      await proxy.stop();
      await box.remove();
    }
  });
});

/** Plans whose faults a client answers without waiting for long. */
function isQuick({ faults, tls, auth }: FaultPlan): boolean {
  const slow = ['drip', 'stall', 'silence', 'headers'];
  const waits = faults.filter(({ fault, times }) => times === undefined || slow.includes(fault.kind));
  return (
    !tls && waits.length === 0 && auth?.credentials !== 'wrong' && faults.every(({ times = 0 }) => times < 2)
  );
}

/** The exit code of one pull by the command. */
async function tryCommand(seed: number): Promise<number | null> {
  const plan = randomFaultPlan(seed);
  const proxy = await rig.proxy(plan);
  const box = createSandbox();
  const where = `seed ${seed}: ${JSON.stringify(plan)}`;
  try {
    if (plan.auth?.credentials === 'right') {
      mkdirSync(join(box.folder, 'home', '.docker'));
      const auth = Buffer.from(`robot:${USERS.robot}`).toString('base64');
      writeFileSync(
        join(box.folder, 'home', '.docker', 'config.json'),
        JSON.stringify({ auths: { [proxy.host]: { auth } } }),
      );
    }
    const ran = await box.run(['pull', `${proxy.host}/app:one`]);
    const { code, stderr } = ran;
    const error = code === 0 ? undefined : new DobosError('CLI_SAID', stderr.trim(), {});
    const store = createDirectoryStore(box.store);
    const pulled = code === 0 ? await store.resolve(`${proxy.host}/app:one`) : undefined;
    expect(
      await wrongsOf({ error, pulled }, proxy, store, rig.digestOf('one'), { lines: 40 }),
      where,
    ).toEqual([]);
    expect([0, 1], `${where}\n${stderr}`).toContain(code);
    if (code === 1) expect(stderr.match(/^dobos: /gm), stderr).toHaveLength(1);
    expect((await box.run(['system', 'check'])).code, where).toBe(0);
    return code;
  } finally {
    await proxy.stop();
    await box.remove();
  }
}

/** Bytes of all files below a folder. */
function bytesBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, name) => sum + (lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
