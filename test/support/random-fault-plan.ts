import { randomOf } from './built-command.ts';
import type { Elsewhere, Fault, FaultPlan, FaultTarget, PlannedFault } from './fault-plan.ts';

/** What a manifest may be replaced by: each is refused, or leads to nothing bad. */
export const BAD_MANIFESTS: readonly (readonly [text: string, type?: string])[] = [
  [manifestWith('sha256:../../../../../../etc/passwd')],
  [manifestWith(`sha256:${'../'.repeat(21)}a`)],
  [manifestWith(`../sha256:${'a'.repeat(64)}`)],
  [manifestWith(`sha256:${'A'.repeat(64)}`)],
  [manifestWith(`sha256:${'b'.repeat(64)}`, -1)],
  [manifestWith(`sha256:${'b'.repeat(64)}`, 2 ** 60)],
  [indexWith('sha256:../../../manifests/../../etc/shadow')],
  [indexWith(`sha256:${'c'.repeat(64)}`)],
  [
    '{"schemaVersion":1,"name":"app","tag":"1","fsLayers":[]}',
    'application/vnd.docker.distribution.manifest.v1+json',
  ],
  ['not json at all'],
  ['{"schemaVersion":2', 'application/vnd.oci.image.manifest.v1+json'],
  ['[]', 'application/vnd.oci.image.index.v1+json'],
  ['null'],
  ['"'.padEnd(100_000, '[')],
  [manifestWith(`sha256:${'d'.repeat(64)}`), 'text/html; charset=utf-8'],
  ['', 'application/vnd.oci.image.manifest.v1+json'],
];

function manifestWith(digest: string, size = 10): string {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const blob = (kind: string): object => ({ mediaType: `application/vnd.oci.image.${kind}`, digest, size });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: blob('config.v1+json'),
    layers: [blob('layer.v1.tar')],
  });
}

function indexWith(digest: string): string {
  const platform = { os: 'linux', architecture: 'amd64' };
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 100, platform };
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [manifest],
  });
}

const STATUSES = [408, 429, 429, 429, 500, 502, 503, 504, 403, 404, 418] as const;
const RETRY_AFTER = ['seconds', 'date', 'nonsense', 'never', undefined] as const;
/** Large enough that a client with a bound on headers meets it. */
const MUCH_HEADER_BYTES = 300_000;

/** A plan made of this seed alone. */
export function randomFaultPlan(seed: number): FaultPlan {
  const random = randomOf(seed * 7919 + 17);
  // The first numbers of near seeds are near each other.
  for (let at = 0; at < 8; at++) random();
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const chance = (share: number): boolean => random() < share;
  const share = (): number => pick([0, random(), random(), 0.999, 1]);

  const tls = chance(0.15);
  const redirect = chance(0.45);
  const elsewhere = (): Elsewhere =>
    chance(0.7)
      ? 'cdn'
      : pick([
          'private',
          'link-local',
          'loop',
          'nonsense',
          'file',
          ...(tls ? ['plain' as const, 'plain' as const] : []),
        ]);

  const kinds: readonly (() => Fault)[] = [
    () => ({ kind: 'cut', share: share() }),
    () => ({ kind: 'cut', share: share() }),
    () => ({ kind: 'cut', share: share() }),
    () => ({ kind: 'reset' }),
    () => {
      const status = pick(STATUSES);
      const retryAfter = pick(RETRY_AFTER);
      return { kind: 'status', status, ...(retryAfter === undefined ? {} : { retryAfter }) };
    },
    () => {
      const status = pick([429, 503]);
      return { kind: 'status', status, retryAfter: pick(['seconds', 'date'] as const) };
    },
    () => ({ kind: 'length', by: pick([-1000, -1, 1, 1000, 10_000_000]), kept: chance(0.5) }),
    () => ({ kind: 'flip', share: share() }),
    () => ({ kind: pick(['drip', 'stall'] as const), share: share() }),
    () => ({ kind: 'silence' }),
    () => ({ kind: pick(['no-range', 'part-as-whole'] as const) }),
    () => ({ kind: 'wrong-range', by: pick([-1, 1, 1000]) }),
    () => ({ kind: 'other-bytes', share: share() }),
    () => ({ kind: 'endless', announced: chance(0.5) }),
    () => ({ kind: 'headers', bytes: MUCH_HEADER_BYTES }),
    () => {
      const [text, type] = pick(BAD_MANIFESTS);
      return { kind: 'body', text, ...(type === undefined ? {} : { type }) };
    },
  ];
  const fault = (): PlannedFault => {
    const made = pick(kinds)();
    const targets: readonly FaultTarget[] =
      made.kind === 'body'
        ? ['manifest']
        : ['manifest', redirect ? 'cdn' : 'blob', redirect ? 'cdn' : 'blob', 'blob', 'token'];
    const once = { on: pick(targets), after: pick([0, 0, 0, 1, 2, 3]), fault: made };
    // Each of these costs the client its patience.
    const waits = ['drip', 'stall', 'silence'].includes(made.kind);
    return chance(0.2) && !waits ? once : { ...once, times: waits ? 1 : pick([1, 1, 1, 2, 3]) };
  };
  const auth = chance(0.45)
    ? {
        auth: {
          realm: chance(0.8)
            ? ('token-server' as const)
            : pick<Elsewhere>(['private', 'link-local', 'nonsense', 'file']),
          ...(chance(0.5) ? { usesPerToken: pick([1, 2, 3, 5]) } : {}),
          credentials: pick(['right', 'right', 'right', 'wrong', 'none'] as const),
          anonymous: chance(0.4),
          oauth: chance(0.5),
        },
      }
    : {};
  // What is asked again from where it was cut makes the faults of ranges happen at all.
  const first = fault();
  const faults = ['no-range', 'part-as-whole', 'wrong-range', 'other-bytes'].includes(first.fault.kind)
    ? [
        { on: first.on, after: 0, times: 1, fault: { kind: 'cut' as const, share: random() } },
        { ...first, after: 0 },
      ]
    : [first, ...(chance(0.4) ? [fault()] : [])];
  return {
    faults,
    ...(redirect
      ? {
          redirect: {
            to: elsewhere(),
            status: pick([301, 302, 303, 307, 308]),
            ...(chance(0.3) ? { times: pick([1, 2]) } : {}),
          },
        }
      : {}),
    ...auth,
    tls,
    cookies: chance(0.3),
  };
}

/** Blobs that a client moves at once, with one token. */
const LANES = 3;

/** True if every fault of the plan is one that passes when the request is made again, and there are few of them: such a pull must complete. */
export function isPassing(plan: FaultPlan): boolean {
  const { faults, redirect, auth } = plan;
  const times = faults.reduce((sum, one) => sum + (one.times ?? Number.POSITIVE_INFINITY), 0);
  const transient = ({ fault }: PlannedFault): boolean =>
    fault.kind === 'cut' ||
    fault.kind === 'reset' ||
    (fault.kind === 'status' &&
      [429, 500, 502, 503, 504].includes(fault.status) &&
      fault.retryAfter !== 'never');
  const welcome =
    auth === undefined ||
    (auth.realm === 'token-server' &&
      // Several blobs at once use up a token of fewer requests before it is shown.
      (auth.usesPerToken ?? LANES) >= LANES &&
      (auth.credentials === 'right' || (auth.credentials === 'none' && auth.anonymous)));
  return (
    times <= 2 &&
    faults.every(transient) &&
    welcome &&
    (redirect === undefined || (redirect.to === 'cdn' && !plan.tls))
  );
}

/** True if nobody may get the image whatever they try: such a pull must fail. */
export function isHopeless(plan: FaultPlan): boolean {
  const { redirect, auth } = plan;
  const away = redirect !== undefined && redirect.times === undefined && (redirect.to !== 'cdn' || plan.tls);
  const refused =
    auth !== undefined &&
    (auth.realm !== 'token-server' ||
      auth.credentials === 'wrong' ||
      (auth.credentials === 'none' && !auth.anonymous));
  return away || refused;
}
