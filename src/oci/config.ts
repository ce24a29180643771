/**
 * Image configs: bytes to a checked value. Unknown keys stay, so that an edit keeps them.
 * @module
 */
import { createReader, type JsonObject, parseJson } from './document.ts';
import { MAX_CONFIG_BYTES } from './limits.ts';
import type { ImageConfig } from './types.ts';

const reader = createReader('image config');
const { object, string, integer, strings, stringMap, digest, array, fields, fail } = reader;

/** The image config in the bytes (image-spec 1.1.1, config.md). A missing os or architecture reads as `linux` and `unknown`, as every tool tolerates. @throws OCI_DOCUMENT_INVALID, OCI_DOCUMENT_TOO_LARGE */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const raw = object(parseJson('image config', bytes, MAX_CONFIG_BYTES), '');
  const rootfs = object(raw.rootfs, 'rootfs');
  if (rootfs.type !== 'layers') throw fail('rootfs.type', rootfs.type, '"layers"');
  const checked = fields(raw, '', {
    created: string,
    author: string,
    architecture: string,
    os: string,
    variant: string,
    'os.version': string,
    'os.features': strings,
    config: containerConfig,
    rootfs: (value, path) =>
      // An image without layers has null here when a Go program wrote it.
      ({ ...object(value, path), diff_ids: array(rootfs.diff_ids ?? [], `${path}.diff_ids`, digest) }),
    history: (value, path) => array(value, path, historyEntry),
  });
  return { os: 'linux', architecture: 'unknown', ...checked } as unknown as ImageConfig;
}

function containerConfig(value: unknown, path: string): JsonObject {
  return fields(object(value, path), path, {
    User: string,
    ExposedPorts: objectMap,
    Env: strings,
    Entrypoint: wordsOrWord,
    Cmd: wordsOrWord,
    Volumes: objectMap,
    WorkingDir: string,
    Labels: stringMap,
    StopSignal: string,
    ArgsEscaped: boolean,
    Healthcheck: healthcheck,
    Shell: strings,
    OnBuild: strings,
    StopTimeout: integer,
  });
}

function healthcheck(value: unknown, path: string): JsonObject {
  return fields(object(value, path), path, {
    Test: strings,
    Interval: integer,
    Timeout: integer,
    StartPeriod: integer,
    StartInterval: integer,
    Retries: integer,
  });
}

function historyEntry(value: unknown, path: string): JsonObject {
  return fields(object(value, path), path, {
    created: string,
    created_by: string,
    author: string,
    comment: string,
    empty_layer: boolean,
  });
}

function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw fail(path, value, 'true or false');
  return value;
}

/** Old images have one string where a list is specified. */
function wordsOrWord(value: unknown, path: string): string[] {
  return typeof value === 'string' ? [value] : strings(value, path);
}

function objectMap(value: unknown, path: string): JsonObject {
  const map = object(value, path);
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, each ?? {}]));
}
