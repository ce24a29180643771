import { collect } from '../../src/base/bytes.ts';
import { pushImage } from '../../src/image/push-image.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { linksOf } from '../../src/store/manifest-links.ts';
import { randomOf } from './built-command.ts';
import type { Elsewhere, Fault, FaultPlan, FaultTarget, PlannedFault } from './fault-plan.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { leaksOf, openClient, wrongsOfError } from './faulty-pull.ts';

/** Pushes an image of the store as `<repository>:1` through the proxy; what came of it. */
export async function pushThrough(
  proxy: FaultProxy,
  o: {
    readonly store: LocalStore;
    readonly target: Descriptor;
    readonly repository: string;
    readonly seed: number;
    readonly ca?: string;
  },
): Promise<{ readonly error: unknown; readonly pushed: Descriptor | undefined }> {
  const { http, registry } = openClient(proxy, o.seed, o.ca);
  const hangs = AbortSignal.timeout(150_000);
  try {
    const to = registry.writable(proxy.host, o.repository);
    const { target } = await pushImage(
      o.store,
      o.target,
      to,
      { name: o.repository, tag: '1' },
      { signal: hangs },
    );
    return { error: undefined, pushed: target };
  } catch (error) {
    if (hangs.aborted) throw new Error(`hangs: ${JSON.stringify(proxy.plan)}`, { cause: error });
    return { error, pushed: undefined };
  } finally {
    await http.close();
  }
}

/** What is wrong with how a push ended; the registry behind is asked past the proxy. */
export async function wrongsOfPush(
  ended: Awaited<ReturnType<typeof pushThrough>>,
  proxy: FaultProxy,
  host: string,
  repository: string,
): Promise<string[]> {
  const wrongs: string[] = [];
  const found = await missingAt(host, repository, '1');
  if (ended.error === undefined) {
    if (found === undefined) wrongs.push('it completed, and there is no tag');
  } else wrongs.push(...wrongsOfError(ended.error, proxy, 1));
  for (const missing of found ?? []) wrongs.push(`the tag is there, and ${missing} is not`);
  return [...wrongs, ...leaksOf(proxy)];
}

/** What the registry lacks of what a tag or digest leads to; undefined if there is no such. */
export async function missingAt(
  host: string,
  repository: string,
  name: string,
): Promise<string[] | undefined> {
  const accept = [
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
  ].join(', ');
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${name}`, { headers: { accept } });
  if (answer.status === 404) return undefined;
  const { links } = linksOf(await collect(answer.body as never, 8 << 20));
  const missing: string[] = [];
  for (const { digest, mediaType, size } of links) {
    if (/manifest|index/.test(mediaType)) {
      missing.push(...((await missingAt(host, repository, digest)) ?? [digest]));
      continue;
    }
    const head = await fetch(`http://${host}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' });
    if (head.status !== 200 || Number(head.headers.get('content-length')) !== size) missing.push(digest);
  }
  return missing;
}

/** A plan for a push, made of this seed alone. */
export function randomPushPlan(seed: number): FaultPlan {
  const random = randomOf(seed * 6007 + 29);
  // The first numbers of near seeds are near each other.
  for (let at = 0; at < 8; at++) random();
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const chance = (share: number): boolean => random() < share;
  const tls = chance(0.2);
  const kinds: readonly (() => Fault)[] = [
    () => ({ kind: 'cut-body', share: pick([0, random(), random(), 0.999]) }),
    () => ({ kind: 'cut-body', share: random() }),
    () => ({ kind: 'cut', share: pick([0, random()]) }),
    () => ({ kind: 'reset' }),
    () => ({ kind: 'status', status: pick([429, 500, 502, 503, 504]) }),
    () => ({ kind: 'status', status: pick([400, 403, 404, 405, 413, 416]) }),
    () => ({
      kind: 'status',
      status: 429,
      retryAfter: pick(['seconds', 'date', 'nonsense', 'never'] as const),
    }),
    () => ({ kind: 'silence' }),
    () => ({ kind: 'headers', bytes: 300_000 }),
    () => ({ kind: 'endless', announced: chance(0.5) }),
  ];
  const fault = (): PlannedFault => {
    const made = pick(kinds)();
    const on = pick<FaultTarget>([
      'upload',
      'upload',
      'upload',
      'upload',
      'manifest',
      'manifest',
      'blob',
      'token',
    ]);
    const once = { on, after: pick([0, 0, 1, 2, 3, 5]), fault: made };
    // Each of these costs the client its patience.
    const waits = made.kind === 'silence' || made.kind === 'endless';
    return chance(0.2) && !waits ? once : { ...once, times: waits ? 1 : pick([1, 1, 2, 3]) };
  };
  return {
    faults: [fault(), ...(chance(0.4) ? [fault()] : [])],
    ...(chance(0.3)
      ? {
          uploadsTo: pick<Elsewhere>([
            ...(['cdn', 'cdn', 'private', 'link-local', 'nonsense', 'file'] as const),
            ...(tls ? ['plain' as const] : []),
          ]),
        }
      : {}),
    ...(chance(0.5)
      ? {
          auth: {
            realm: 'token-server' as const,
            ...(chance(0.4) ? { usesPerToken: pick([5, 8, 20]) } : {}),
            credentials: pick(['right', 'right', 'right', 'wrong', 'none'] as const),
            anonymous: false,
            oauth: chance(0.5),
          },
        }
      : {}),
    tls,
    cookies: chance(0.3),
  };
}

/** True if every fault of the plan passes when what was cut is done again, and there are few of them: such a push must complete. */
export function pushPasses({ faults, uploadsTo, auth, tls }: FaultPlan): boolean {
  const times = faults.reduce((sum, one) => sum + (one.times ?? Number.POSITIVE_INFINITY), 0);
  const passing = ({ fault, on }: PlannedFault): boolean =>
    (fault.kind === 'cut-body' && (on === 'upload' || on === 'manifest')) ||
    fault.kind === 'reset' ||
    (fault.kind === 'status' &&
      [429, 500, 502, 503, 504].includes(fault.status) &&
      fault.retryAfter !== 'never');
  const welcome = auth === undefined || (auth.credentials === 'right' && auth.usesPerToken === undefined);
  return (
    times <= 2 &&
    faults.every(passing) &&
    welcome &&
    (uploadsTo === undefined || (uploadsTo === 'cdn' && !tls))
  );
}
