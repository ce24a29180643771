import { commaFields } from '../base/comma-fields.ts';
import { parseMemorySize } from '../base/memory-size.ts';
import type { Word } from './ast.ts';
import { suggest } from './suggest.ts';

export type MountType = 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
export type CacheSharing = 'shared' | 'private' | 'locked';

/** The value of a `RUN --mount` as its author means it; what is not given is undefined. */
export interface Mount {
  readonly type: MountType;
  readonly from: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly readOnly: boolean;
  readonly required: boolean;
  /** Bytes. */
  readonly size: number | undefined;
  readonly id: string | undefined;
  readonly sharing: CacheSharing | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The variable that gets a secret's value. */
  readonly env: string | undefined;
}

export type ReadMount =
  | { readonly kind: 'mount'; readonly mount: Mount }
  | { readonly kind: 'wrong'; readonly message: string };

const TYPES: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];
const SHARINGS: readonly CacheSharing[] = ['shared', 'private', 'locked'];
/** What each key is a spelling of. */
const KEYS: Readonly<Record<string, Key>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readwrite',
  rw: 'readwrite',
  required: 'required',
  size: 'size',
  'tmpfs-size': 'size',
  id: 'id',
  sharing: 'sharing',
  mode: 'mode',
  'tmpfs-mode': 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
  // Labels of SELinux, which podman's files ask for: nothing here carries one.
  z: 'label',
  relabel: 'label',
};
type Key =
  | ('type' | 'from' | 'source' | 'target' | 'readonly' | 'readwrite' | 'required')
  | ('size' | 'id' | 'sharing' | 'mode' | 'uid' | 'gid' | 'env' | 'label');

/** Keys that only some types take; all take the others. */
const ONLY: { readonly [K in Key]?: readonly MountType[] } = {
  required: ['secret', 'ssh'],
  size: ['tmpfs'],
  env: ['secret'],
};

/**
 * The mount that the value of a `--mount` describes (spec build.md a.7). `expand` puts variables in; without it values that hold one are not
 * judged yet, so that a parser can find what is wrong in any case.
 */
export function readMount(value: Word, expand?: (text: string) => string): ReadMount {
  const fields = commaFields(value.text);
  if (fields === undefined) return wrong(`a quote in the mount ${value.text} does not close`);
  const found = new Map<Key, string>();
  let unknownType = false;
  for (const field of fields) {
    const { key, name, text, bare } = readField(field);
    if (key === undefined) return wrong(unknownKey(name, field, bare));
    const needsExpansion = text.includes('$');
    if (key === 'from' && needsExpansion) {
      return wrong("'from' doesn't support variable expansion, define alias stage instead");
    }
    if (needsExpansion && expand === undefined) {
      unknownType ||= key === 'type';
      found.set(key, UNKNOWN);
    } else found.set(key, needsExpansion ? expand!(text) : text);
    const problem = judge(key, name, found.get(key)!);
    if (problem !== undefined) return wrong(problem);
    if (key === 'readonly') found.delete('readwrite');
    if (key === 'readwrite') found.delete('readonly');
  }
  if (unknownType) return { kind: 'mount', mount: mountOf('bind', found) };
  const type = (found.get('type')?.toLowerCase() ?? 'bind') as MountType;
  const problem = judgeTogether(type, found);
  return problem === undefined ? { kind: 'mount', mount: mountOf(type, found) } : wrong(problem);
}

/** Stands for a value that depends on a variable. */
const UNKNOWN = '$';

const wrong = (message: string): ReadMount => ({ kind: 'wrong', message });

interface Field {
  readonly key: Key | undefined;
  readonly name: string;
  readonly text: string;
  /** Written without `=`. */
  readonly bare: boolean;
}

function readField(field: string): Field {
  const cut = field.indexOf('=');
  const bare = cut < 0;
  const name = bare ? field : field.slice(0, cut);
  const lower = name.toLowerCase();
  const key = Object.hasOwn(KEYS, lower) ? KEYS[lower] : undefined;
  const mayBeBare = key !== undefined && BARE.has(key);
  return {
    key: bare && !mayBeBare ? undefined : key,
    name,
    text: bare ? 'true' : field.slice(cut + 1),
    bare,
  };
}

const BARE: ReadonlySet<Key> = new Set<Key>(['readonly', 'readwrite', 'required', 'label']);

function unknownKey(name: string, field: string, bare: boolean): string {
  if (bare) return `invalid field '${field}' must be a key=value pair`;
  return `unexpected key '${name}' in '${field}'${meant(suggest(name, Object.keys(KEYS)))}`;
}

/** What is wrong with one value. */
function judge(key: Key, name: string, text: string): string | undefined {
  if (text === UNKNOWN) return undefined;
  switch (key) {
    case 'type':
      if (TYPES.some((type) => type === text.toLowerCase())) return undefined;
      return `unsupported mount type ${JSON.stringify(text)}${meant(suggest(text, TYPES))}`;
    case 'sharing':
      if (SHARINGS.some((sharing) => sharing === text.toLowerCase())) return undefined;
      return `unsupported sharing value ${JSON.stringify(text)}${meant(suggest(text, SHARINGS)) || ', want shared, private or locked'}`;
    case 'readonly':
    case 'readwrite':
    case 'required':
      return booleanOf(text) === undefined
        ? `invalid value for ${name}: ${text}, want true or false`
        : undefined;
    case 'mode':
      return /^0?o?[0-7]{1,5}$/.test(text)
        ? undefined
        : `invalid value ${text} for mode, want octal digits like 0755`;
    case 'uid':
    case 'gid':
      return /^\d{1,10}$/.test(text) && Number(text) < MAX_ID
        ? undefined
        : `invalid value ${text} for ${key}, want a number`;
    case 'size':
      return parseMemorySize(text) === undefined
        ? `invalid value for size: ${text}, want bytes or a number with k, m or g`
        : undefined;
    case 'env':
      return text === '' || /[=\0]/.test(text) ? `invalid value for env: ${JSON.stringify(text)}` : undefined;
    case 'from':
    case 'source':
    case 'target':
    case 'id':
      return text.includes('\0') ? `a zero byte in the value of ${name}` : undefined;
    case 'label':
      return undefined;
  }
}

/** Ids are 32 bits, the last of which means "none". */
const MAX_ID = 0xffffffff;

/** What is wrong with the keys given for this type. */
function judgeTogether(type: MountType, found: ReadonlyMap<Key, string>): string | undefined {
  for (const [key, types] of Object.entries(ONLY)) {
    if (found.has(key as Key) && !types.includes(type)) {
      return `unexpected key '${key}' for mount type '${type}'`;
    }
  }
  const takesOwner = type === 'secret' || type === 'ssh' || type === 'cache';
  for (const key of ['mode', 'uid', 'gid'] as const) {
    const allowed = takesOwner || (type === 'tmpfs' && key === 'mode');
    if (found.has(key) && !allowed) return `${key} not allowed for ${JSON.stringify(type)} type mounts`;
  }
  if (found.has('sharing') && type !== 'cache') return `invalid cache sharing set for ${type} mount`;
  if (type !== 'secret') return undefined;
  if (found.has('from')) return 'secret mount should not have a from';
  if (found.has('source') && found.has('id')) return "both source and id can't be set";
  if (!found.has('source') && !found.has('target') && !found.has('id')) {
    return 'invalid secret mount. one of source, target required';
  }
  return undefined;
}

function mountOf(type: MountType, found: ReadonlyMap<Key, string>): Mount {
  const number = (key: Key, read: (text: string) => number | undefined): number | undefined => {
    const text = found.get(key);
    return text === undefined ? undefined : read(text);
  };
  const flag = (key: Key): boolean | undefined => {
    const text = found.get(key);
    return text === undefined ? undefined : booleanOf(text);
  };
  const writable = flag('readwrite');
  return {
    type,
    from: found.get('from'),
    source: found.get('source'),
    target: found.get('target'),
    readOnly: flag('readonly') ?? (writable === undefined ? type !== 'cache' && type !== 'tmpfs' : !writable),
    required: flag('required') ?? false,
    size: number('size', parseMemorySize),
    id: found.get('id'),
    sharing: found.get('sharing')?.toLowerCase() as CacheSharing | undefined,
    mode: number('mode', (text) => Number.parseInt(text.replace(/^0?o/, ''), 8) & 0o7777),
    uid: number('uid', Number),
    gid: number('gid', Number),
    env: found.get('env'),
  };
}

/** As Go reads it. */
function booleanOf(text: string): boolean | undefined {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  return /^(?:0|f|false)$/i.test(text) ? false : undefined;
}

function meant(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
}
