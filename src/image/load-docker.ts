import { sha256 } from '../base/bytes.ts';
import { parseConfig } from '../oci/config.ts';
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { OCI_CONFIG } from '../oci/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Digest } from '../oci/types.ts';
import { imageError } from './errors.ts';
import { type PlannedImage, readDocument, requireMember } from './load-plan.ts';
import type { OpenArchive } from './open-archive.ts';
import { sealBytes } from './seal-image.ts';

const MANIFEST = 'manifest.json';

/** One row of manifest.json. */
export interface DockerRow {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/** What `docker save` wrote as images: `manifest.json` names config and layers by path (oci.md a.13). Layers are stored uncompressed; the config's bytes, and so the id, are kept. @throws ARCHIVE_ errors, OCI_ errors */
export function planDocker(archive: OpenArchive): PlannedImage[] {
  const rows = readDockerRows(archive);
  if (rows.length === 0)
    throw imageError('ARCHIVE_NOT_IMAGES', { path: archive.shown, why: `${MANIFEST} lists no image` });
  return rows.map((row, i) => planRow(archive, row, i));
}

/** The rows of manifest.json. @throws ARCHIVE_DOCUMENT, ARCHIVE_MEMBER_MISSING */
export function readDockerRows(archive: OpenArchive): DockerRow[] {
  const bytes = readDocument(archive, MANIFEST, 'an archive of docker', MAX_MANIFEST_BYTES);
  const fail = (where: string, value: unknown, want: string) =>
    imageError('ARCHIVE_DOCUMENT', {
      path: archive.shown,
      member: MANIFEST,
      where,
      got: kindOf(value),
      want,
    });
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw fail('', undefined, 'JSON');
  }
  if (!Array.isArray(list)) throw fail('', list, 'a list of images');
  const strings = (value: unknown, where: string): string[] => {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw fail(where, value, 'a list of texts');
    return value.map((each: unknown, i) => {
      if (typeof each !== 'string') throw fail(`${where}[${i}]`, each, 'a text');
      return each;
    });
  };
  return list.map((row: unknown, i): DockerRow => {
    if (typeof row !== 'object' || row === null) throw fail(`[${i}]`, row, 'an object');
    const { Config, RepoTags, Layers } = row as Readonly<Record<string, unknown>>;
    if (typeof Config !== 'string' || Config === '')
      throw fail(`[${i}].Config`, Config, 'the path of the config');
    return {
      config: Config,
      tags: strings(RepoTags, `[${i}].RepoTags`),
      layers: strings(Layers, `[${i}].Layers`),
    };
  });
}

function planRow(archive: OpenArchive, row: DockerRow, i: number): PlannedImage {
  const configBytes = readDocument(archive, row.config, `${MANIFEST} [${i}].Config`, MAX_CONFIG_BYTES);
  const config = parseConfig(configBytes);
  const diffIds = config.rootfs.diff_ids;
  const id: Digest = sha256(configBytes);
  if (diffIds.length !== row.layers.length) {
    const image = row.tags[0] ?? id;
    throw imageError('ARCHIVE_LAYER_COUNT', {
      path: archive.shown,
      image,
      layers: row.layers.length,
      diffIds: diffIds.length,
    });
  }
  return {
    names: row.tags.map((tag) => formatReference(withDefaultTag(parseReference(tag)))),
    id,
    blobs: row.layers.map((member, k) => ({
      member,
      region: requireMember(archive, member, `${MANIFEST} [${i}].Layers[${k}]`),
      diffId: diffIds[k]!,
    })),
    documents(stored) {
      const image = sealBytes(
        config,
        configBytes,
        diffIds.map((diffId) => stored.get(diffId)!),
        undefined,
      );
      return [
        { descriptor: { ...image.manifest.config, mediaType: OCI_CONFIG }, bytes: configBytes },
        { descriptor: image.descriptor, bytes: image.manifestBytes },
      ];
    },
  };
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return value === null ? 'null' : 'nothing';
  return Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : JSON.stringify(value).slice(0, 100);
}
