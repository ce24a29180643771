import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapLimited } from '../../src/base/concurrency.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import type { Fault, FaultPlan } from '../support/fault-plan.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { on, useFaultRig } from '../support/fault-rig.ts';
import { type Ended, pullThrough, tagsThrough, wrongsOf } from '../support/faulty-pull.ts';
import { BAD_MANIFESTS, isHopeless, isPassing, randomFaultPlan } from '../support/random-fault-plan.ts';

/** DOBOS_SEED repeats a run. */
const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
const PLANS = 200;
/** Pulls at once; most of a pull is waiting. */
const LANES = 6;

const rig = useFaultRig();

interface Trial {
  readonly plan: FaultPlan & { readonly seed: number };
  readonly ended: Ended;
  readonly wrongs: readonly string[];
  /** Kinds of faults that really happened. */
  readonly met: readonly string[];
  readonly ranges: number;
}

/** One plan, one store: a pull among faults, and a second one without. */
async function tryPlan(seed: number): Promise<Trial> {
  const plan = randomFaultPlan(seed);
  const tag = seed % 3 === 0 ? 'multi' : 'one';
  const wanted = rig.digestOf(tag);
  const reference = seed % 5 === 0 ? wanted : tag;
  const folder = join(rig.work, `store-${seed}`);
  const proxy = await rig.proxy(plan);
  const store = createDirectoryStore(folder);
  const pull = { store, reference, seed, ca: rig.certificates.ca };
  try {
    const ended = await pullThrough(proxy, pull);
    const wrongs = await wrongsOf(ended, proxy, store, wanted);
    if (ended.error !== undefined && isPassing(plan))
      wrongs.push(`it failed, and all faults pass: ${ended.error}`);
    if (ended.error === undefined && isHopeless(plan)) wrongs.push('it completed, and must not');
    const met = proxy.seen.flatMap(({ fault }) => (fault ? [fault] : []));
    const ranges = proxy.seen.filter(({ headers }) => headers.range !== undefined).length;
    proxy.heal();
    if (wrongs.length === 0 && plan.auth === undefined) {
      const again = await pullThrough(proxy, pull);
      if (again.error !== undefined) wrongs.push(`without faults: ${again.error}`);
      wrongs.push(
        ...(await wrongsOf(again, proxy, store, wanted)).map((wrong) => `without faults: ${wrong}`),
      );
    }
    return { plan: { ...plan, seed }, ended, wrongs, met, ranges };
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One pull by such a plan into a store of its own. */
async function pullOnce(
  plan: Partial<FaultPlan>,
  o: { readonly reference?: string } = {},
): Promise<{ readonly ended: Ended; readonly proxy: FaultProxy; readonly wrongs: readonly string[] }> {
  const folder = mkdtempSync(join(rig.work, 'store-'));
  const store = createDirectoryStore(folder);
  const proxy = await rig.proxy(plan);
  try {
    const reference = o.reference ?? 'one';
    const ended = await pullThrough(proxy, { store, reference, seed: 1, ca: rig.certificates.ca });
    return { ended, proxy, wrongs: await wrongsOf(ended, proxy, store, rig.digestOf(reference)) };
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const RIGHT = { realm: 'token-server', credentials: 'right', anonymous: false, oauth: true } as const;

describe('a pull completes', () => {
  it.each<readonly [string, Partial<FaultPlan>]>([
    ['without faults', {}],
    ['when every blob is cut once', { faults: [on('blob', { kind: 'cut', share: 0.5 }, 2)] }],
    ['when a manifest is cut', { faults: [on('manifest', { kind: 'cut', share: 0.5 }, 1)] }],
    [
      'when connections are reset',
      { faults: [on('blob', { kind: 'reset' }, 2), on('manifest', { kind: 'reset' }, 1)] },
    ],
    [
      'after 429 with seconds',
      { faults: [on('blob', { kind: 'status', status: 429, retryAfter: 'seconds' }, 2)] },
    ],
    [
      'after 429 with a date',
      { faults: [on('manifest', { kind: 'status', status: 429, retryAfter: 'date' }, 2)] },
    ],
    ['after 429 that says nothing', { faults: [on('blob', { kind: 'status', status: 429 }, 2)] }],
    [
      'after 503 and 500',
      {
        faults: [
          on('blob', { kind: 'status', status: 503 }, 1),
          on('manifest', { kind: 'status', status: 500 }, 2),
        ],
      },
    ],
    [
      'after a token server was busy',
      { auth: RIGHT, faults: [on('token', { kind: 'status', status: 503 }, 1)] },
    ],
    ['when tokens expire with every other request', { auth: { ...RIGHT, usesPerToken: 2 } }],
    [
      'from where blobs are redirected to, without credentials there',
      { auth: RIGHT, redirect: { to: 'cdn', status: 307 }, cookies: true },
    ],
    [
      'when the place redirected to cuts',
      { redirect: { to: 'cdn', status: 302 }, faults: [on('cdn', { kind: 'cut', share: 0.7 }, 2)] },
    ],
    [
      'when a blob is cut and parts are not given',
      { faults: [on('blob', { kind: 'cut', share: 0.5 }, 1), on('blob', { kind: 'no-range' })] },
    ],
    ['when a blob drips', { faults: [on('blob', { kind: 'drip', share: 0.5 }, 1)] }],
    ['when a blob stalls', { faults: [on('blob', { kind: 'stall', share: 0.5 }, 1)] }],
    ['over TLS, with a certificate of its own', { tls: true, auth: RIGHT }],
  ])('%s', async (_, plan) => {
    const { ended, wrongs, proxy } = await pullOnce(plan, { reference: 'multi' });
    expect(ended.error).toBeUndefined();
    expect(wrongs).toEqual([]);
    for (const { fault } of (plan.faults ?? []).filter(({ on: target }) => target !== 'token'))
      expect(proxy.seen.map((seen) => seen.fault)).toContain(fault.kind);
  });

  it('and what was cut is gone on with by Range, not begun again', async () => {
    const { ended, proxy } = await pullOnce({ faults: [on('blob', { kind: 'cut', share: 0.5 }, 3)] });
    expect(ended.error).toBeUndefined();
    const whole = (await pullOnce({})).proxy.blobBytes();
    expect(proxy.seen.some(({ headers, target }) => target === 'blob' && headers.range !== undefined)).toBe(
      true,
    );
    expect(proxy.blobBytes()).toBeLessThan(whole * 1.02);
  });
});

const BAD: readonly (readonly [string, Partial<FaultPlan>, RegExp])[] = [
  ['a blob with one wrong byte', { faults: [on('blob', { kind: 'flip', share: 0.5 })] }, /^BYTES_MISMATCH$/],
  [
    'a manifest with one wrong byte',
    { faults: [on('manifest', { kind: 'flip', share: 0.9 })] },
    /MISMATCH|DIGEST/,
  ],
  [
    'a blob with less than its size',
    { faults: [on('blob', { kind: 'length', by: -1, kept: true })] },
    /MISMATCH|SIZE|CUT/,
  ],
  [
    'a blob with more than its size',
    { faults: [on('blob', { kind: 'length', by: 1000, kept: true })] },
    /MISMATCH|SIZE/,
  ],
  ['a blob that always breaks off', { faults: [on('blob', { kind: 'cut', share: 0 })] }, /^(HTTP|REGISTRY)_/],
  [
    'a blob that drips',
    { faults: [on('blob', { kind: 'drip', share: 0.1 })] },
    /^(HTTP_TIMEOUT|REGISTRY_CUT)$/,
  ],
  ['silence', { faults: [on('manifest', { kind: 'silence' })] }, /^HTTP_TIMEOUT$/],
  [
    '429 without end',
    { faults: [on('manifest', { kind: 'status', status: 429, retryAfter: 'seconds' })] },
    /^REGISTRY_/,
  ],
  [
    'a wait until tomorrow',
    { faults: [on('manifest', { kind: 'status', status: 429, retryAfter: 'never' })] },
    /^REGISTRY_/,
  ],
  ['500 without end', { faults: [on('blob', { kind: 'status', status: 500 })] }, /^REGISTRY_/],
  ['a wrong password', { auth: { ...RIGHT, credentials: 'wrong' } }, /^REGISTRY_/],
  ['a realm at a private address', { auth: { ...RIGHT, realm: 'private' } }, /PRIVATE|REALM/],
  ['a realm at a link-local address', { auth: { ...RIGHT, realm: 'link-local' } }, /PRIVATE|REALM|PLAIN/],
  ['a realm that is a file', { auth: { ...RIGHT, realm: 'file' } }, /URL|REALM/],
  ['a redirect to a private address', { redirect: { to: 'private', status: 307 } }, /^HTTP_PRIVATE_ADDRESS$/],
  [
    'a redirect to a link-local address',
    { redirect: { to: 'link-local', status: 302 } },
    /^HTTP_(PRIVATE_ADDRESS|PLAIN)$/,
  ],
  [
    'a redirect from TLS to plain HTTP',
    { tls: true, redirect: { to: 'plain', status: 307 } },
    /^HTTP_DOWNGRADE$/,
  ],
  ['a redirect in a circle', { redirect: { to: 'loop', status: 307 } }, /^HTTP_REDIRECT$/],
  ['a redirect to a file', { redirect: { to: 'file', status: 307 } }, /^HTTP_REDIRECT$/],
  [
    'headers without measure',
    { faults: [on('manifest', { kind: 'headers', bytes: 300_000 })] },
    /^HTTP_HEADERS_TOO_LARGE$/,
  ],
];

describe('a pull ends with one clear error, nothing stored and no credential shown', () => {
  it.each(BAD)('at %s', async (_, plan, code) => {
    const { ended, wrongs } = await pullOnce({ cookies: true, ...plan });
    expect(ended.error).toMatchObject({ code: expect.stringMatching(code) });
    expect(wrongs).toEqual([]);
  });

  it.each([true, false])(
    'at a manifest of 100 MB (announced: %s), of which little is read',
    async (announced) => {
      const { ended, wrongs, proxy } = await pullOnce({
        faults: [on('manifest', { kind: 'endless', announced })],
      });
      expect(ended.error).toMatchObject({ code: expect.stringMatching(/TOO_LARGE|TOO_MANY/) });
      expect(wrongs).toEqual([]);
      const read = proxy.seen.filter(({ method, target }) => method === 'GET' && target === 'manifest');
      expect(read.length).toBeGreaterThan(0);
      // What the kernel holds on both ends comes on top of the limit.
      for (const { bodyBytes } of read) expect(bodyBytes).toBeLessThan(20 * 1024 * 1024);
    },
  );

  it.each(BAD_MANIFESTS.map(([text, type]) => [text.slice(0, 160), text, type] as const))(
    'at the manifest %s',
    async (_, text, type) => {
      const fault: Fault = { kind: 'body', text, ...(type === undefined ? {} : { type }) };
      const { ended, wrongs, proxy } = await pullOnce({ faults: [on('manifest', fault)] });
      expect(ended.error).toBeDefined();
      expect(wrongs).toEqual([]);
      // A digest that is none never becomes a path: neither here nor at the registry.
      expect(proxy.seen.filter(({ url }) => /\.\.|passwd|shadow|%2e/i.test(url))).toEqual([]);
    },
  );

  it.each(['private', 'link-local', 'file', 'nonsense'] as const)(
    'at a next page of tags: %s',
    async (nextPage) => {
      const proxy = await rig.proxy({ nextPage, auth: RIGHT });
      try {
        const { error } = await tagsThrough(proxy, rig.certificates.ca);
        expect(error).toMatchObject({ code: expect.stringMatching(/^(REGISTRY_|HTTP_)/) });
        expect(proxy.seen.filter(({ at }) => at !== 'registry')).toEqual([]);
      } finally {
        await proxy.stop();
      }
    },
  );
});

describe('pulls from docker-registry through a proxy that fails at random', () => {
  it(`${PLANS} plans end complete, or with one clear error and nothing bad stored (DOBOS_SEED=${SEED})`, {
    timeout: 600_000,
  }, async () => {
    const seeds = Array.from({ length: PLANS }, (_, at) => SEED + at);
    const trials: Trial[] = [];
    await mapLimited(seeds, LANES, async (seed) => {
      trials.push(await tryPlan(seed));
    });
    const wrongs = trials.flatMap(({ plan, wrongs }) =>
      wrongs.map((wrong) => `${wrong}\n  ${JSON.stringify(plan)}`),
    );
    expect(wrongs).toEqual([]);
    const failed = trials.filter(({ ended }) => ended.error !== undefined);
    // The plans bite: neither all nor none fail, faults of most kinds happen, and what was cut is gone on with.
    expect(failed.length).toBeGreaterThan(PLANS / 10);
    expect(failed.length).toBeLessThan((PLANS * 9) / 10);
    expect(new Set(trials.flatMap(({ met }) => met)).size).toBeGreaterThan(12);
    expect(trials.filter(({ ranges }) => ranges > 0).length).toBeGreaterThan(PLANS / 20);
  });
});

describe('a pull from docker-registry that is cut at 60 % and made again fetches at most 45 % of the bytes', () => {
  it.each([
    ['one layer', 1, 16_000_000],
    ['many layers', 12, 1_500_000],
  ])('%s', async (_, count, size) => {
    const tag = `cut-${count}`;
    const total = await rig.pushNoise(tag, count, size);
    const folder = mkdtempSync(join(rig.work, 'cut-'));
    const store = createDirectoryStore(folder);
    const proxy = await rig.proxy({ deadAfterBytes: Math.floor(total * 0.6) });
    try {
      const pull = { store, reference: tag, seed: 1 };
      const first = await pullThrough(proxy, pull);
      expect(first.error).toMatchObject({ code: expect.stringMatching(/^(HTTP|REGISTRY)_/) });
      expect(await wrongsOf(first, proxy, store, rig.digestOf(tag))).toEqual([]);
      const before = proxy.blobBytes();
      expect(before / total).toBeCloseTo(0.6, 1);
      proxy.heal();
      const second = await pullThrough(proxy, pull);
      expect(second.error).toBeUndefined();
      expect(await wrongsOf(second, proxy, store, rig.digestOf(tag))).toEqual([]);
      expect((proxy.blobBytes() - before) / total).toBeLessThan(0.45);
    } finally {
      await proxy.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
