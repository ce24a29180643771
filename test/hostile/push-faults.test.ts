import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import { mapLimited } from '../../src/base/concurrency.ts';
import { appendLayer } from '../../src/image/edit-config.ts';
import { scratchImage } from '../../src/image/scratch-image.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import type { FaultPlan } from '../support/fault-plan.ts';
import { on, useFaultRig } from '../support/fault-rig.ts';
import { missingAt, pushPasses, pushThrough, randomPushPlan, wrongsOfPush } from '../support/faulty-push.ts';
import { tarOf } from '../support/images.ts';
import { AMD64 } from '../support/registry-images.ts';

/** DOBOS_SEED repeats a run. */
const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
const PLANS = 60;
/** Pushes at once; most of a push is waiting. */
const LANES = 5;
/** Bytes of the layers; the last is sent as a stream of its own. */
const SIZES = [2_000, 300_000, 6_000_000];

const rig = useFaultRig();
let store: LocalStore;
let target: Descriptor;
let repositories = 0;

beforeAll(async () => {
  store = createDirectoryStore(join(rig.work, 'pushed'));
  let image = scratchImage(AMD64);
  for (const size of SIZES) {
    const tar = tarOf([[`noise-${size}`, randomBytes(size)]]);
    const blob = { mediaType: OCI_LAYER_TAR, digest: sha256(tar), size: tar.length };
    await store.put(blob, streamOf(tar));
    image = appendLayer(image, openLayer(store, blob, blob.digest), { created_by: `layer of ${size}` });
  }
  target = await writeImage(store, image, { name: 'pushed' });
});

/** One push by such a plan to a repository of its own. */
async function pushOnce(plan: Partial<FaultPlan>, seed = 1) {
  const repository = `push-${++repositories}`;
  const proxy = await rig.proxy(plan);
  const push = { store, target, repository, seed, ca: rig.certificates.ca };
  try {
    const ended = await pushThrough(proxy, push);
    const wrongs = await wrongsOfPush(ended, proxy, rig.registry.host, repository);
    const met = proxy.seen.flatMap(({ fault }) => (fault ? [fault] : []));
    const seen = [...proxy.seen];
    proxy.heal();
    if (wrongs.length === 0 && plan.auth === undefined && plan.uploadsTo === undefined) {
      const again = await pushThrough(proxy, push);
      if (again.error !== undefined) wrongs.push(`without faults: ${again.error}`);
      const after = await wrongsOfPush(again, proxy, rig.registry.host, repository);
      wrongs.push(...after.map((wrong) => `without faults: ${wrong}`));
    }
    return { ended, wrongs, met, seen, repository };
  } finally {
    await proxy.stop();
  }
}

const RIGHT = { realm: 'token-server', credentials: 'right', anonymous: false, oauth: true } as const;

describe('a push to docker-registry completes', () => {
  it.each<readonly [string, Partial<FaultPlan>]>([
    ['without faults', {}],
    [
      'when a stream of a layer is cut in the middle',
      { faults: [on('upload', { kind: 'cut-body', share: 0.5 }, 1, 5)] },
    ],
    [
      'when uploads are cut, each at another place',
      { faults: [on('upload', { kind: 'cut-body', share: 0.3 }, 3)] },
    ],
    [
      'when answers are lost',
      { faults: [on('upload', { kind: 'reset' }, 2, 2), on('manifest', { kind: 'reset' }, 1)] },
    ],
    [
      'when the registry is busy',
      {
        faults: [
          on('upload', { kind: 'status', status: 503 }, 2),
          on('manifest', { kind: 'status', status: 429 }, 1),
        ],
      },
    ],
    ['with a token that expires now and then', { auth: { ...RIGHT, usesPerToken: 8 } }],
    [
      'with uploads that go on elsewhere, where nobody is told who asks',
      { auth: RIGHT, uploadsTo: 'cdn', cookies: true },
    ],
    ['over TLS, of which the registry behind knows nothing', { tls: true, auth: RIGHT }],
  ])('%s', async (_, plan) => {
    const { ended, wrongs, met } = await pushOnce(plan);
    expect(ended.error).toBeUndefined();
    expect(wrongs).toEqual([]);
    for (const { fault } of plan.faults ?? []) expect(met).toContain(fault.kind);
  });
});

describe('a push ends with one clear error, and no tag that leads to nothing', () => {
  it.each<readonly [string, Partial<FaultPlan>, RegExp]>([
    [
      'uploads that always break',
      { faults: [on('upload', { kind: 'cut-body', share: 0 })] },
      /^(HTTP|REGISTRY)_/,
    ],
    [
      'a registry that is never ready',
      { faults: [on('upload', { kind: 'status', status: 500 })] },
      /^REGISTRY_STATUS$/,
    ],
    [
      'a manifest that is refused',
      { faults: [on('manifest', { kind: 'status', status: 413 })] },
      /^REGISTRY_REFUSED$/,
    ],
    ['a wrong password', { auth: { ...RIGHT, credentials: 'wrong' } }, /^REGISTRY_LOGIN$/],
    ['no password', { auth: { ...RIGHT, credentials: 'none' } }, /^REGISTRY_DENIED$/],
    ['uploads to a private address', { uploadsTo: 'private', auth: RIGHT }, /^HTTP_PRIVATE_ADDRESS$/],
    ['uploads to a link-local address', { uploadsTo: 'link-local' }, /^HTTP_(PRIVATE_ADDRESS|PLAIN)$/],
    ['uploads to a file', { uploadsTo: 'file' }, /^REGISTRY_LOCATION$/],
    ['uploads from TLS to plain HTTP', { tls: true, uploadsTo: 'plain' }, /^REGISTRY_LOCATION$/],
  ])('at %s', async (_, plan, code) => {
    const { ended, wrongs, repository } = await pushOnce({ cookies: true, ...plan });
    expect(ended.error).toMatchObject({ code: expect.stringMatching(code) });
    expect(wrongs).toEqual([]);
    expect(await missingAt(rig.registry.host, `${repository}-none`, '1')).toBeUndefined();
  });
});

describe('pushes through a proxy that fails at random', () => {
  it(`${PLANS} plans end complete, or with one clear error (DOBOS_SEED=${SEED})`, {
    timeout: 600_000,
  }, async () => {
    const seeds = Array.from({ length: PLANS }, (_, at) => SEED + at);
    const wrongs: string[] = [];
    const met = new Set<string>();
    let failed = 0;
    await mapLimited(seeds, LANES, async (seed) => {
      const plan = randomPushPlan(seed);
      const trial = await pushOnce(plan, seed);
      for (const fault of trial.met) met.add(fault);
      const { error } = trial.ended;
      if (error !== undefined) failed++;
      if (error !== undefined && pushPasses(plan))
        trial.wrongs.push(`it failed, and all faults pass: ${error}`);
      wrongs.push(...trial.wrongs.map((wrong) => `${wrong}\n  ${JSON.stringify({ ...plan, seed })}`));
    });
    expect(wrongs).toEqual([]);
    // The plans bite: neither all nor none fail, and faults of most kinds happen.
    expect(failed).toBeGreaterThan(PLANS / 10);
    expect(failed).toBeLessThan((PLANS * 9) / 10);
    expect(met.size).toBeGreaterThan(4);
  });
});
