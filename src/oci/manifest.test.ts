import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { formatConfig, formatManifest } from './format.ts';
import { parseIndex, parseManifest, parseManifestOrIndex } from './manifest.ts';
import { DOCKER_MANIFEST, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from './media-types.ts';

const HEX = 'ab'.repeat(32);
const CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${HEX}`, size: 10 };
const LAYER = { mediaType: OCI_LAYER_GZIP, digest: `sha256:${HEX}`, size: 10 };
const GOOD = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [LAYER] };
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

describe('a manifest', () => {
  it.each<[string, unknown, string]>([
    ['not JSON', '{', 'want JSON'],
    ['nothing', '', 'got nothing'],
    ['null', null, 'want an object'],
    ['a list', [], 'want an object'],
    ['no schemaVersion', { ...GOOD, schemaVersion: undefined }, 'schemaVersion: got nothing, want 2'],
    ['no config', { ...GOOD, config: undefined }, 'config: got nothing'],
    ['no layers', { ...GOOD, layers: undefined }, 'layers: got nothing'],
    ['null layers', { ...GOOD, layers: null }, 'layers: got null'],
    ['a negative size', { ...GOOD, layers: [LAYER, { ...LAYER, size: -1 }] }, 'layers[1].size: got -1'],
    ['a fractional size', { ...GOOD, config: { ...CONFIG, size: 1.5 } }, 'config.size: got 1.5'],
    [
      'an upper-case digest',
      { ...GOOD, config: { ...CONFIG, digest: `sha256:${HEX.toUpperCase()}` } },
      'config.digest',
    ],
    [
      'a digest that climbs',
      { ...GOOD, layers: [{ ...LAYER, digest: 'sha256:../../x' }] },
      'layers[0].digest',
    ],
    ['a bad media type', { ...GOOD, layers: [{ ...LAYER, mediaType: 'x' }] }, 'layers[0].mediaType'],
    ['both fields', { ...GOOD, manifests: [] }, 'two ways'],
    ['a type that says index', { ...GOOD, mediaType: OCI_INDEX }, 'two ways'],
    ['an annotation that is no text', { ...GOOD, annotations: { a: 1 } }, 'annotations.a: got 1'],
  ])('with %s is refused', (_, value, why) => {
    expect(() => parseManifest(bytes(value))).toThrow(why);
  });

  it('whose type is not the one that pointed here is refused', () => {
    expect(() => parseManifest(bytes(GOOD), DOCKER_MANIFEST)).toThrow(
      expect.objectContaining({ code: 'OCI_DOCUMENT_CONFUSED' }),
    );
  });

  it('of schema 1 is refused by that name', () => {
    expect(() => parseManifest(bytes({ schemaVersion: 1, fsLayers: [] }))).toThrow(
      expect.objectContaining({ code: 'OCI_SCHEMA1' }),
    );
  });

  it('above 4 MiB is refused before it is parsed', () => {
    expect(() => parseManifest(new Uint8Array(4 * 1024 * 1024 + 1))).toThrow(
      expect.objectContaining({ code: 'OCI_DOCUMENT_TOO_LARGE' }),
    );
  });

  it('keeps unknown keys, and null reads as absent', () => {
    const manifest = parseManifest(bytes({ ...GOOD, annotations: null, subject: null, extra: { a: [1] } }));
    expect(manifest).toEqual({ ...GOOD, extra: { a: [1] } });
  });

  it('may lack its media type and its layers', () => {
    expect(parseManifest(bytes({ schemaVersion: 2, config: CONFIG, layers: [] })).layers).toEqual([]);
  });
});

describe('an index', () => {
  it('is told from a manifest by its content', () => {
    expect(parseManifestOrIndex(bytes({ schemaVersion: 2, manifests: [] })).kind).toBe('index');
    expect(() => parseManifest(bytes({ schemaVersion: 2, manifests: [] }))).toThrow('an index');
    expect(() => parseIndex(bytes(GOOD))).toThrow('a manifest');
  });

  it('with null manifests is refused', () => {
    expect(() => parseIndex(bytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: null }))).toThrow(
      'manifests: got null',
    );
  });

  it('may hold entries of any media type', () => {
    const entry = { mediaType: 'application/xml', digest: `sha256:${HEX}`, size: 1 };
    expect(parseIndex(bytes({ schemaVersion: 2, manifests: [entry] })).manifests).toEqual([entry]);
  });
});

describe('a config', () => {
  const ROOTFS = { type: 'layers', diff_ids: [`sha256:${HEX}`] };
  it.each<[string, unknown, string]>([
    ['no rootfs', { os: 'linux' }, 'rootfs: got nothing'],
    ['another rootfs type', { rootfs: { type: 'base', diff_ids: [] } }, 'rootfs.type: got "base"'],
    ['a bad diff id', { rootfs: { type: 'layers', diff_ids: ['x'] } }, 'rootfs.diff_ids[0]: got "x"'],
    ['a number in Env', { rootfs: ROOTFS, config: { Env: ['A=1', 2] } }, 'config.Env[1]: got 2'],
    [
      'a label that is no text',
      { rootfs: ROOTFS, config: { Labels: { a: null } } },
      'config.Labels.a: got null',
    ],
    ['an odd history', { rootfs: ROOTFS, history: [{ created_by: 1 }] }, 'history[0].created_by: got 1'],
  ])('with %s is refused', (_, value, why) => {
    expect(() => parseConfig(bytes(value))).toThrow(why);
  });

  it('reads null as absent and keeps unknown keys at every level', () => {
    const config = parseConfig(
      bytes({
        os: 'linux',
        architecture: 'amd64',
        created: null,
        rootfs: ROOTFS,
        container: 'x',
        config: { Env: null, Cmd: ['a'], Hostname: 'h' },
        history: [{ comment: null, odd: 1 }],
      }),
    );
    expect(config).toEqual({
      os: 'linux',
      architecture: 'amd64',
      rootfs: ROOTFS,
      container: 'x',
      config: { Cmd: ['a'], Hostname: 'h' },
      history: [{ odd: 1 }],
    });
  });

  it('is written in one way whatever the order of its keys', () => {
    const one = {
      os: 'linux',
      architecture: 'amd64',
      rootfs: ROOTFS,
      config: { Labels: { b: '1', a: '2' }, Zed: 1, Alpha: 2 },
    };
    const two = {
      config: { Alpha: 2, Zed: 1, Labels: { a: '2', b: '1' } },
      rootfs: ROOTFS,
      architecture: 'amd64',
      os: 'linux',
    };
    const text = new TextDecoder().decode(formatConfig(parseConfig(bytes(one))));
    expect(new TextDecoder().decode(formatConfig(parseConfig(bytes(two))))).toBe(text);
    expect(text).toBe(
      `{"architecture":"amd64","os":"linux","config":{"Labels":{"a":"2","b":"1"},"Alpha":2,"Zed":1},"rootfs":{"type":"layers","diff_ids":["sha256:${HEX}"]}}`,
    );
  });

  it('and a manifest read back are what was written', () => {
    const manifest = parseManifest(bytes(GOOD));
    expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
    expect(new TextDecoder().decode(formatManifest(manifest))).toBe(JSON.stringify(GOOD));
  });
});
