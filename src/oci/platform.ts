/**
 * Platforms: spelling, and which of an index's images serves a machine (containerd's rules, oci.md a.11).
 * @module
 */
import { DOCKER_REFERENCE_TYPE } from './annotations.ts';
import { ociError } from './errors.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import type { Descriptor, Platform } from './types.ts';

const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  i386: ['386'],
  i686: ['386'],
  ia32: ['386'],
};

/** The platform that `os/architecture[/variant]`, or an architecture or `linux` alone, names; normalized. @throws OCI_PLATFORM_INVALID */
export function parsePlatform(
  text: string,
  host: Platform = { os: 'linux', architecture: 'amd64' },
): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => WORD.test(part))) {
    throw ociError('OCI_PLATFORM_INVALID', {
      text,
      want: 'os/architecture[/variant], such as linux/arm64/v8',
    });
  }
  const [first = '', second, variant] = parts;
  if (second !== undefined) return normalizePlatform({ os: first, architecture: second, variant });
  const word = first.toLowerCase();
  return OS_NAMES.has(word)
    ? normalizePlatform({ ...host, os: word })
    : normalizePlatform({ os: host.os, architecture: word });
}

const OS_NAMES: ReadonlySet<string> = new Set(['linux', 'windows', 'darwin', 'macos', 'freebsd']);

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return `${os}/${architecture}${variant === undefined || variant === '' ? '' : `/${variant}`}`;
}

/** The same platform spelled the one way: lower case, `amd64` for `x86_64`, no variant where it is the default. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const spelled = platform.architecture.toLowerCase();
  const known = Object.hasOwn(ARCHITECTURES, spelled) ? ARCHITECTURES[spelled]! : ([spelled] as const);
  const architecture = known[0];
  let variant: string | undefined = platform.variant?.toLowerCase() || known[1];
  if (variant !== undefined && /^\d/.test(variant)) variant = `v${variant}`;
  if (architecture === 'arm') variant ??= 'v7';
  if (architecture === 'arm64' && variant === 'v8') variant = undefined;
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  const { variant: _, ...rest } = platform;
  return {
    ...rest,
    os: os === 'macos' ? 'darwin' : os,
    architecture,
    ...(variant !== undefined && { variant }),
  };
}

const NODE_ARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** The platform of images that a machine runs, from node's `process.arch` and `process.platform`; containers on macOS and Windows are Linux. */
export function hostPlatform(arch: string, os: string): Platform {
  const architecture = Object.hasOwn(NODE_ARCH, arch) ? NODE_ARCH[arch]! : arch;
  return normalizePlatform({ os: os === 'freebsd' ? 'freebsd' : 'linux', architecture });
}

/** The entry of an index that serves the wanted platform best; of equals the first. Attestations never serve. @throws OCI_PLATFORM_MISSING */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = imageEntries(manifests);
  for (const candidate of candidates(normalizePlatform(wanted))) {
    const found = images.find((entry) => entry.platform !== undefined && matches(entry.platform, candidate));
    if (found !== undefined) return found;
  }
  // A layout's own index names no platforms: an entry without one serves where none has one.
  const plain = images.find((entry) => entry.platform === undefined);
  if (plain !== undefined && images.every((entry) => entry.platform === undefined)) return plain;
  throw ociError('OCI_PLATFORM_MISSING', {
    wanted: formatPlatform(wanted),
    available: [
      ...new Set(images.map((entry) => (entry.platform ? formatPlatform(entry.platform) : 'unknown'))),
    ],
  });
}

/** The entries that are images or indexes of images: no attestations. */
export function imageEntries(manifests: readonly Descriptor[]): Descriptor[] {
  return manifests.filter(isImageEntry);
}

function isImageEntry(entry: Descriptor): boolean {
  if (!isManifestType(entry.mediaType) && !isIndexType(entry.mediaType)) return false;
  if (entry.annotations?.[DOCKER_REFERENCE_TYPE] !== undefined) return false;
  return entry.platform?.os !== 'unknown';
}

function matches(have: Platform, wanted: Platform): boolean {
  const own = normalizePlatform(have);
  return (
    own.os === wanted.os &&
    own.architecture === wanted.architecture &&
    (own.variant ?? '') === (wanted.variant ?? '') &&
    (wanted['os.version'] === undefined || own['os.version'] === wanted['os.version'])
  );
}

/** What serves the platform, best first. */
function candidates(wanted: Platform): Platform[] {
  const { architecture, variant } = wanted;
  const make = (arch: string, kinds: readonly (string | undefined)[]) =>
    kinds.map((kind): Platform => {
      const { variant: _, ...rest } = wanted;
      return { ...rest, architecture: arch, ...(kind !== undefined && { variant: kind }) };
    });
  const down = (from: number, to: number) =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => from - i);
  const [, major = '', minor = '0'] = /^v(\d{1,2})(?:\.(\d{1,2}))?$/.exec(variant ?? '') ?? [];
  const own = [wanted];
  if (architecture === 'amd64') {
    const lower = major === '' ? [] : down(Number(major) - 1, 2).map((n) => `v${n}`);
    return [...own, ...make('amd64', [...lower, undefined]), ...make('386', [undefined])];
  }
  if (architecture === 'arm64') {
    const lesser = armLesser(variant === undefined ? 8 : Number(major || 8), Number(minor), down);
    return [...own, ...make('arm64', [...lesser, undefined]), ...make('arm', ['v8', 'v7', 'v6', 'v5'])];
  }
  if (architecture === 'arm') {
    return [...own, ...make('arm', major === '' ? [] : down(Number(major) - 1, 5).map((n) => `v${n}`))];
  }
  return variant === undefined ? own : [...own, ...make(architecture, [undefined])];
}

function armLesser(major: number, minor: number, down: (from: number, to: number) => number[]): string[] {
  const nines = major === 9 ? down(minor - 1, 0).map((n) => (n === 0 ? 'v9' : `v9.${n}`)) : [];
  const top = major === 9 ? minor + 5 : minor - 1;
  return [...nines, ...down(top, 1).map((n) => `v8.${n}`)];
}
