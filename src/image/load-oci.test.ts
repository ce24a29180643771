import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  configOf,
  expectEmpty,
  LAYER,
  LIMIT,
  NAME,
  OTHER,
  rowOf,
  useStore,
} from '../../test/support/archives.ts';
import { type TarItem, tarOf } from '../../test/support/images.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from '../oci/media-types.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { findImage } from './find-image.ts';
import { loadArchive } from './load-archive.ts';

const at = useStore();

describe('an OCI layout', () => {
  const blobName = (bytes: string | Buffer) => `blobs/sha256/${sha256(bytes).slice(7)}`;
  const describeBlob = (mediaType: string, bytes: string | Buffer, more: object = {}) => ({
    mediaType,
    digest: sha256(bytes),
    size: Buffer.byteLength(bytes),
    ...more,
  });
  const config = configOf(LAYER);
  const packed = gzipSync(LAYER);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeBlob('application/vnd.oci.image.config.v1+json', config),
    layers: [describeBlob(OCI_LAYER_GZIP, packed)],
  });
  const artifact = manifest.replace('vnd.oci.image.config.v1', 'vnd.example.config.v1');
  const blobs: (readonly [string, TarItem])[] = [
    [blobName(packed), packed],
    [blobName(config), config],
    [blobName(manifest), manifest],
  ];
  const layoutFile = ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'] as const;
  const indexOf = (...manifests: object[]) =>
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests })] as const;
  const entry = (annotations?: object) =>
    describeBlob(OCI_MANIFEST, manifest, annotations === undefined ? {} : { annotations });

  it.each<[string, object | undefined, string[]]>([
    [
      'a full name',
      { 'io.containerd.image.name': 'ghcr.io/a/b:c', 'org.opencontainers.image.ref.name': 'c' },
      ['ghcr.io/a/b:c'],
    ],
    ['a name as reference', { 'org.opencontainers.image.ref.name': 'app:1' }, [NAME]],
    ['a bare tag', { 'org.opencontainers.image.ref.name': 'latest' }, []],
    ['nothing', undefined, []],
  ])('whose entry has %s is loaded with its digest', async (_, annotations, names) => {
    const tar = tarOf(
      [...blobs, layoutFile, indexOf(entry(annotations))].map(([name, item]) => [`./${name}`, item]),
    );
    const [loaded] = await loadArchive(at.store, streamOf(tar));
    expect(loaded).toEqual({ names, id: sha256(config), target: describeBlob(OCI_MANIFEST, manifest) });
    expect(
      (await collect((await findImage(at.store, loaded!.id)).layers[0]!.openTar(), LIMIT)).equals(LAYER),
    ).toBe(true);
  });

  it('in a folder is loaded too, unless a blob is a link', async () => {
    const layout = join(at.folder, 'layout');
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    for (const [name, item] of [...blobs, layoutFile, indexOf(entry())])
      writeFileSync(join(layout, name), item as Buffer);
    const other = createDirectoryStore(join(at.folder, 'other'));
    expect(await loadArchive(other, layout)).toHaveLength(1);
    const blob = join(layout, blobName(packed));
    rmSync(blob);
    writeFileSync(join(at.folder, 'elsewhere'), packed);
    symlinkSync(join(at.folder, 'elsewhere'), blob);
    await expect(loadArchive(at.store, layout)).rejects.toThrow('is no regular file');
  });

  it.each<[string, (readonly [string, TarItem])[], string]>([
    ['without its marker', [...blobs, indexOf(entry())], 'has no "oci-layout"'],
    [
      'of another version',
      [...blobs, ['oci-layout', '{"imageLayoutVersion":"2.0.0"}'], indexOf(entry())],
      'got 2.0.0',
    ],
    [
      'whose marker is no document',
      [...blobs, ['oci-layout', 'x{"imageLayoutVersion":"1.0.0"}'], indexOf(entry())],
      'got nothing',
    ],
    ['without images', [...blobs, layoutFile, indexOf()], 'lists no image'],
    [
      'of artifacts alone',
      [[blobName(artifact), artifact], ...blobs, layoutFile, indexOf(describeBlob(OCI_MANIFEST, artifact))],
      'none of them is an image',
    ],
    ['with a missing blob', [...blobs.slice(1), layoutFile, indexOf(entry())], 'has no "blobs/sha256/'],
    [
      'with a blob of another size',
      [[blobName(packed), Buffer.concat([packed, packed])], ...blobs.slice(1), layoutFile, indexOf(entry())],
      'bytes, manifest sha256:',
    ],
    [
      'with a blob of other bytes',
      [[blobName(packed), Buffer.alloc(packed.length)], ...blobs.slice(1), layoutFile, indexOf(entry())],
      'is corrupt: it reads as',
    ],
    [
      'with a manifest of other bytes',
      [...blobs.slice(0, 2), [blobName(manifest), manifest.replace('2', '3')], layoutFile, indexOf(entry())],
      'is corrupt: it reads as',
    ],
    [
      'with a digest that climbs',
      [...blobs, layoutFile, indexOf({ ...entry(), digest: 'sha256:../../etc/passwd' })],
      'manifests[0].digest',
    ],
  ])('%s is refused', async (_, items, why) => {
    await expect(loadArchive(at.store, streamOf(tarOf(items)))).rejects.toThrow(why);
    await expectEmpty(at.store);
  });

  it('whose layer is not what the config says is refused', async () => {
    const wrong = configOf(OTHER);
    const text = manifest
      .replace(sha256(config), sha256(wrong))
      .replace(`"size":${config.length}`, `"size":${wrong.length}`);
    const items: (readonly [string, TarItem])[] = [
      blobs[0]!,
      [blobName(wrong), wrong],
      [blobName(text), text],
      layoutFile,
      indexOf(describeBlob(OCI_MANIFEST, text)),
    ];
    await expect(loadArchive(at.store, streamOf(tarOf(items)))).rejects.toMatchObject({
      code: 'ARCHIVE_LAYER_CONTENT',
    });
    await expectEmpty(at.store);
  });

  it('that is also a docker archive is read as that when blobs are missing', async () => {
    const items: (readonly [string, TarItem])[] = [
      layoutFile,
      indexOf(entry()),
      ['c.json', config],
      ['l.tar', LAYER],
      ['manifest.json', rowOf(['l.tar'])],
    ];
    const [loaded] = await loadArchive(at.store, streamOf(tarOf(items)));
    expect(loaded).toMatchObject({ names: [NAME], id: sha256(config) });
  });

  it('with an index is kept whole if all is there, else its image for the platform', async () => {
    const amd64 = { platform: { os: 'linux', architecture: 'amd64' } };
    const attestation = describeBlob(OCI_MANIFEST, '{}', {
      platform: { os: 'unknown', architecture: 'unknown' },
    });
    const whole = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ ...entry(), ...amd64 }],
    });
    const thin = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [attestation, { ...entry(), ...amd64 }],
    });
    const load = async (index: string) => {
      const named = describeBlob(OCI_INDEX, index, {
        annotations: { 'org.opencontainers.image.ref.name': 'app:1' },
      });
      const tar = tarOf([...blobs, [blobName(index), index], layoutFile, indexOf(named)]);
      return (await loadArchive(at.store, streamOf(tar), amd64))[0]!;
    };
    expect(await load(whole)).toEqual({
      names: [NAME],
      id: sha256(config),
      target: describeBlob(OCI_INDEX, whole),
    });
    expect(await load(thin)).toEqual({
      names: [NAME],
      id: sha256(config),
      target: describeBlob(OCI_MANIFEST, manifest),
    });
  });
});
