/**
 * Documents made here, as bytes that depend on nothing but the value: fixed key order, maps sorted, no white space, unknown keys last and sorted.
 * @module
 */
import type { ImageConfig, Index, Manifest } from './types.ts';

/** The manifest's bytes. */
export function formatManifest(manifest: Manifest): Uint8Array {
  return encode({
    ...ordered(
      manifest,
      ['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'subject', 'annotations'],
      {
        config: descriptor,
        layers: (list) => (list as readonly object[]).map(knownDescriptor),
        subject: descriptor,
        annotations: sorted,
      },
    ),
  });
}

/** The index's bytes. */
export function formatIndex(index: Index): Uint8Array {
  return encode(
    ordered(index, ['schemaVersion', 'mediaType', 'artifactType', 'manifests', 'subject', 'annotations'], {
      manifests: (list) => (list as readonly unknown[]).map(descriptor),
      subject: descriptor,
      annotations: sorted,
    }),
  );
}

/** The config's bytes. */
export function formatConfig(config: ImageConfig): Uint8Array {
  const top = ['created', 'author', ...PLATFORM_KEYS, 'config', 'rootfs', 'history'];
  return encode(
    ordered(config, top, {
      config: containerConfig,
      rootfs: (rootfs) => ordered(rootfs, ['type', 'diff_ids']),
      history: (rows) => (rows as readonly object[]).map(historyRow),
    }),
  );
}

const PLATFORM_KEYS = ['architecture', 'os', 'os.version', 'os.features', 'variant'];
const HISTORY_KEYS = ['created', 'created_by', 'author', 'comment', 'empty_layer'];
const DESCRIPTOR_KEYS = [
  'mediaType',
  'digest',
  'size',
  'urls',
  'annotations',
  'data',
  'platform',
  'artifactType',
];
const CONTAINER_KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'Shell',
  'OnBuild',
  'StopTimeout',
];
const HEALTH_KEYS = ['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'];

/** Values do not change, and the image of each step has all rows and layers of the one before: they are put in order once. */
function once(order: (value: object) => object): (value: object) => object {
  const made = new WeakMap<object, object>();
  return (value) => {
    let result = made.get(value);
    if (result === undefined) {
      result = order(value);
      made.set(value, result);
    }
    return result;
  };
}

const historyRow = once((row) => ordered(row, HISTORY_KEYS));
const knownDescriptor = once(descriptor);

function descriptor(value: unknown): object {
  return ordered(value, DESCRIPTOR_KEYS, {
    annotations: sorted,
    platform: (platform) => ordered(platform, PLATFORM_KEYS),
  });
}

function containerConfig(value: unknown): object {
  return ordered(value, CONTAINER_KEYS, {
    ExposedPorts: sorted,
    Volumes: sorted,
    Labels: sorted,
    Healthcheck: (health) => ordered(health, HEALTH_KEYS),
  });
}

function sorted(value: unknown): object {
  return ordered(value, []);
}

/** The object with `first` in front and the other keys sorted; absent values go. */
function ordered(
  value: unknown,
  first: readonly string[],
  inner: Readonly<Record<string, (value: unknown) => unknown>> = {},
): object {
  const source = value as Readonly<Record<string, unknown>>;
  const rest = Object.keys(source)
    .filter((key) => !first.includes(key))
    .sort();
  const keys = [...first.filter((key) => Object.hasOwn(source, key)), ...rest];
  return Object.fromEntries(
    keys
      .filter((key) => source[key] !== undefined)
      .map((key) => [key, Object.hasOwn(inner, key) ? inner[key]!(source[key]) : source[key]]),
  );
}

const encoder = new TextEncoder();

function encode(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}
