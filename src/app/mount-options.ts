/**
 * The grammars of `-v`, `--mount` and `--tmpfs`, with docker's words for what is wrong.
 */
import { posix } from 'node:path';
import { parseMemorySize } from '../base/memory-size.ts';

interface Spec {
  /** As written. */
  readonly text: string;
  /** Absolute and without `..`. */
  readonly target: string;
  readonly readOnly: boolean;
}

export type MountSpec =
  | (Spec & {
      readonly kind: 'bind';
      readonly source: string;
      /** A folder is made there if nothing is. */
      readonly make: boolean;
    })
  | (Spec & {
      readonly kind: 'volume';
      /** Without a name: of this container alone. */
      readonly name?: string | undefined;
      /** An empty one gets what the image has there. */
      readonly fill: boolean;
      readonly labels: Readonly<Record<string, string>>;
    })
  | (Spec & {
      readonly kind: 'tmpfs';
      readonly size?: number | undefined;
      readonly mode?: number | undefined;
      readonly uid?: number | undefined;
      readonly gid?: number | undefined;
      readonly without: readonly ('nosuid' | 'noexec')[];
    });

/** Absolute, without `.`, `..` and slashes at its end; otherwise what is wrong. */
function targetOf(text: string): { readonly path: string } | string {
  if (!text.startsWith('/')) return `invalid mount path: '${text}' mount path must be absolute`;
  const path = posix.resolve(text);
  return path === '/' ? "invalid specification: destination can't be '/'" : { path };
}

const PROPAGATIONS = new Set(['shared', 'slave', 'rshared', 'rslave']);
/** Accepted and without a meaning here: caches of other systems, labels of SELinux, what is done anyway. */
const NO_MEANING = new Set([
  'z',
  'Z',
  'consistent',
  'cached',
  'delegated',
  'private',
  'rprivate',
  'rw',
  'ro',
]);

/** `-v`: `/inside`, `NAME:/inside[:modes]` or `/host:/inside[:modes]`; what is wrong as a text. */
export function parseVolumeSpec(text: string): MountSpec | string {
  const parts = text.split(':');
  if (parts.length > 3 || parts.some((part) => part === '')) return `invalid volume specification: '${text}'`;
  const [source, given, modes = ''] = parts.length === 1 ? [undefined, parts[0]!] : parts;
  const target = targetOf(given ?? '');
  if (typeof target === 'string') return `invalid volume specification: '${text}': ${target}`;
  const words = modes === '' ? [] : modes.split(',');
  const isHost = source !== undefined && /^[./]/.test(source);
  for (const word of words) {
    if (PROPAGATIONS.has(word))
      return `mount propagation ${word} cannot be had: mounts of a container never show outside`;
    if (!NO_MEANING.has(word) && (word !== 'nocopy' || isHost)) return `invalid mode: ${modes}`;
  }
  if (words.includes('ro') && words.includes('rw')) return `invalid mode: ${modes}`;
  const shared = { text, target: target.path, readOnly: words.includes('ro') };
  if (isHost) return { ...shared, kind: 'bind', source, make: true };
  return { ...shared, kind: 'volume', name: source, fill: !words.includes('nocopy'), labels: {} };
}

/** Fields of a line of comma separated values; a field in `"` may hold commas, and `"` twice. Undefined if a quote is not closed. */
function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  while (pattern.lastIndex <= line.length) {
    const match = pattern.exec(line);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') break;
  }
  return fields;
}

const NAMES: Readonly<Record<string, string>> = {
  source: 'src',
  destination: 'dst',
  target: 'dst',
  ro: 'readonly',
};
/** Keys that may stand alone, which means true. */
const FLAGS = new Set(['readonly', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src']);
const KEYS = new Set([
  ...[
    'type',
    'src',
    'dst',
    'consistency',
    'bind-propagation',
    'bind-recursive',
    'volume-label',
    'volume-driver',
  ],
  ...['volume-opt', 'volume-subpath', 'tmpfs-size', 'tmpfs-mode', ...FLAGS],
]);
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** `--mount`: `type=bind|volume|tmpfs,src=…,dst=…` and docker's other keys; what is wrong as a text. */
export function parseMount(text: string): MountSpec | string {
  const fields = fieldsOf(text);
  if (fields === undefined) return 'parse error: a quote is not closed, or stands in a value';
  const values = new Map<string, string>();
  const labels: Record<string, string> = {};
  for (const field of fields) {
    const equals = field.indexOf('=');
    const word = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = NAMES[word] ?? word;
    if (equals < 0 && !FLAGS.has(key)) return `invalid field '${field}' must be a key=value pair`;
    if (!KEYS.has(key)) return `unexpected key '${word}' in '${field}'`;
    const value = equals < 0 ? 'true' : field.slice(equals + 1);
    if (FLAGS.has(key) && !TRUE.has(value) && !FALSE.has(value)) return `invalid value for ${word}: ${value}`;
    if (key === 'volume-label')
      labels[value.split('=', 1)[0]!] = value.slice(value.indexOf('=') + 1 || value.length);
    values.set(key, value);
  }
  const kind = values.get('type')?.toLowerCase() ?? 'volume';
  if ((values.get('dst') ?? '') === '') return 'target is required';
  for (const other of ['bind', 'volume', 'tmpfs']) {
    const mixed = [...values.keys()].some((key) => key.startsWith(`${other}-`));
    if (mixed && other !== kind) return `cannot mix '${other}-*' options with mount type '${kind}'`;
  }
  const target = targetOf(values.get('dst')!);
  if (typeof target === 'string') return `invalid mount config for type "${kind}": ${target}`;
  const isSet = (key: string): boolean => TRUE.has(values.get(key) ?? '');
  const shared = { text, target: target.path, readOnly: isSet('readonly') };
  const source = values.get('src') ?? '';
  if (kind === 'bind') {
    if (source === '') return 'invalid mount config for type "bind": field Source must not be empty';
    if (!/^[./]/.test(source))
      return `invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`;
    const propagation = values.get('bind-propagation') ?? 'rprivate';
    if (propagation !== 'rprivate' && propagation !== 'private')
      return `bind-propagation=${propagation} cannot be had: mounts of a container never show outside`;
    if (isSet('bind-nonrecursive') || values.has('bind-recursive'))
      return 'what is mounted below the source is always shown too: bind-recursive and bind-nonrecursive cannot be had';
    return { ...shared, kind, source, make: isSet('bind-create-src') };
  }
  if (kind === 'volume') {
    const driver = values.get('volume-driver') ?? 'local';
    if (driver !== 'local' && driver !== '') return `volume driver "${driver}" is not there, only "local"`;
    for (const key of ['volume-opt', 'volume-subpath'])
      if (values.has(key)) return `${key} cannot be had here`;
    return {
      ...shared,
      kind,
      name: source === '' ? undefined : source,
      fill: !isSet('volume-nocopy'),
      labels,
    };
  }
  if (kind !== 'tmpfs') return `invalid mount config for type "${kind}": mount type unknown`;
  if (source !== '') return 'invalid mount config for type "tmpfs": field Source must not be specified';
  const size = values.get('tmpfs-size');
  const bytes = size === undefined ? undefined : parseMemorySize(size);
  if (size !== undefined && bytes === undefined) return `invalid value for tmpfs-size: ${size}`;
  const mode = values.get('tmpfs-mode');
  if (mode !== undefined && !/^[0-7]{1,6}$/.test(mode)) return `invalid value for tmpfs-mode: ${mode}`;
  return {
    ...shared,
    kind,
    size: bytes === 0 ? undefined : bytes,
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    without: ['nosuid', 'noexec'],
  };
}

/** `--tmpfs`: `/inside[:options]` with those of mount(8); what is wrong as a text. */
export function parseTmpfs(text: string): MountSpec | string {
  const colon = text.indexOf(':');
  const target = targetOf(colon < 0 ? text : text.slice(0, colon));
  if (typeof target === 'string') return target;
  const without = new Set<'nosuid' | 'noexec'>(['nosuid', 'noexec']);
  let readOnly = false;
  const found: { size?: number; mode?: number; uid?: number; gid?: number } = {};
  for (const option of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const [key = '', value = ''] = option.split('=', 2);
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro';
    else if (option === 'exec' || option === 'suid') without.delete(`no${option}`);
    else if (option === 'noexec' || option === 'nosuid') without.add(option);
    else if (key === 'size' && parseMemorySize(value) !== undefined) found.size = parseMemorySize(value)!;
    else if (key === 'mode' && /^[0-7]{1,6}$/.test(value)) found.mode = Number.parseInt(value, 8);
    else if ((key === 'uid' || key === 'gid') && /^\d{1,9}$/.test(value)) found[key] = Number(value);
    else if (option !== 'nodev' && option !== '') return `invalid tmpfs option ["${option}"]`;
  }
  return { text, target: target.path, readOnly, kind: 'tmpfs', ...found, without: [...without] };
}
