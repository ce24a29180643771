import { describe, expect, it } from 'vitest';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
} from './platform.ts';
import type { Descriptor } from './types.ts';

let counter = 0;
function entry(platform: string | undefined, extra: Partial<Descriptor> = {}): Descriptor {
  const [os = '', architecture = '', variant] = platform?.split('/') ?? [];
  const digest = `sha256:${(counter++).toString(16).padStart(64, '0')}` as const;
  return {
    mediaType: OCI_MANIFEST,
    digest,
    size: 1,
    ...(platform !== undefined && { platform: { os, architecture, ...(variant && { variant }) } }),
    ...extra,
  };
}
const chosen = (list: readonly Descriptor[], wanted: string) => {
  const { platform } = choosePlatform(list, parsePlatform(wanted));
  return platform && formatPlatform(platform);
};

describe('choosePlatform', () => {
  it('lists what there is when nothing serves', () => {
    const list = [entry('linux/arm64'), entry('linux/s390x'), entry('unknown/unknown')];
    expect(() => choosePlatform(list, parsePlatform('linux/amd64'))).toThrow(
      'no image for platform linux/amd64, the index has linux/arm64, linux/s390x',
    );
    expect(() => choosePlatform([], parsePlatform('linux/amd64'))).toThrow('the index has no image at all');
  });

  it('never takes an attestation', () => {
    const attestation = entry('linux/amd64', {
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    });
    const image = entry('linux/amd64');
    expect(choosePlatform([entry('unknown/unknown'), attestation, image], parsePlatform('linux/amd64'))).toBe(
      image,
    );
  });

  it('takes the first of equals', () => {
    const first = entry('linux/amd64');
    expect(choosePlatform([first, entry('linux/amd64')], parsePlatform('amd64'))).toBe(first);
  });

  it.each([
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
    ['linux/arm/v6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5'],
    ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
    ['linux/arm64', ['linux/arm/v7'], 'linux/arm/v7'],
    ['linux/arm64/v8.2', ['linux/arm64/v8.3', 'linux/arm64/v8.1', 'linux/arm64'], 'linux/arm64/v8.1'],
    ['linux/arm64/v9.1', ['linux/arm64', 'linux/arm64/v8.6'], 'linux/arm64/v8.6'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
    ['linux/amd64', ['linux/386'], 'linux/386'],
  ])('for %s out of %j takes %s', (wanted, list, want) => {
    expect(
      chosen(
        list.map((each) => entry(each)),
        wanted,
      ),
    ).toBe(want);
  });

  it.each([
    ['linux/arm/v6', 'linux/arm/v7'],
    ['linux/amd64', 'linux/amd64/v3'],
    ['linux/386', 'linux/amd64'],
  ])('for %s refuses %s', (wanted, have) => {
    expect(() => chosen([entry(have)], wanted)).toThrow('no image for platform');
  });

  it('takes an entry without platform only where none has one, and no unknown types', () => {
    const plain = entry(undefined, { mediaType: OCI_INDEX });
    expect(
      choosePlatform([entry(undefined, { mediaType: 'application/xml' }), plain], parsePlatform('amd64')),
    ).toBe(plain);
    expect(() => choosePlatform([plain, entry('linux/arm64')], parsePlatform('amd64'))).toThrow(
      'linux/arm64',
    );
  });

  it('knows the types of Docker', () => {
    const docker = entry('linux/amd64', { mediaType: DOCKER_MANIFEST });
    expect(choosePlatform([docker], parsePlatform('amd64'))).toBe(docker);
    const list = entry('linux/amd64', { mediaType: DOCKER_LIST });
    expect(choosePlatform([list], parsePlatform('amd64'))).toBe(list);
  });
});

it.each([
  ['linux/x86_64', 'linux/amd64'],
  ['linux/aarch64', 'linux/arm64'],
  ['Linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['macos/arm64', 'darwin/arm64'],
  ['arm64', 'linux/arm64'],
  ['linux', 'linux/amd64'],
])('reads platform %s as %s', (text, want) => {
  expect(formatPlatform(parsePlatform(text))).toBe(want);
});

it.each(['', 'a/b/c/d', 'linux/', 'linux/a b', '../x'])('refuses platform %j', (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'OCI_PLATFORM_INVALID' }));
});

it('names this machine from what node says', () => {
  expect(formatPlatform(hostPlatform('x64', 'linux'))).toBe('linux/amd64');
  expect(formatPlatform(hostPlatform('arm64', 'darwin'))).toBe('linux/arm64');
  expect(formatPlatform(hostPlatform('arm', 'linux'))).toBe('linux/arm/v7');
  expect(normalizePlatform({ os: 'linux', architecture: 'amd64', 'os.version': '1' })).toEqual({
    os: 'linux',
    architecture: 'amd64',
    'os.version': '1',
  });
});
