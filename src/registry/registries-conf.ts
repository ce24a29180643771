import { existsSync, readdirSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { endpointError } from './endpoint-errors.ts';
import { type Fields, fieldsOf, readTomlFile, type Table } from './rules-file.ts';

/** One `[[registry]]`: what it says of all names that begin with `prefix`. */
export interface PrefixRule {
  /** `host[:port][/path]`, or `*.domain` for every host below it. */
  readonly prefix: string;
  /** Takes the prefix's place in the name. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
  /** For messages. */
  readonly file: string;
}

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly only?: 'digests' | 'tags' | undefined;
}

/** Each file is small; a folder of so many is a mistake. */
const MAX_FILES = 256;
/** Only `[[registry]]` and the old `[registries.…]` are read: files of short names alone need no parser. */
const NEEDED = /^\s*(?:\[+\s*["']?registr|["']?registr\w*["']?\s*(?:=\s*\[|\.))/m;

/**
 * The rules of podman's `registries.conf` and its folder of additions, version 2 (containers-registries.conf(5)), and the blocks and insecure hosts of version 1.
 * The person's own file stands instead of the system's with its additions; a later file's rule replaces an earlier one for the same prefix.
 * Search lists and short names are not followed: they let a stranger's registry answer for a name.
 * @throws REGISTRY_SETTINGS_FILE
 */
export async function readRegistriesConf(o: {
  readonly named?: string | undefined;
  readonly system: string;
  readonly personal: readonly string[];
}): Promise<readonly PrefixRule[]> {
  const rules = new Map<string, PrefixRule>();
  for (const file of filesOf(o)) {
    const table = await readTomlFile(file, NEEDED);
    for (const rule of table === undefined ? [] : rulesOf(file, table)) rules.set(rule.prefix, rule);
  }
  return [...rules.values()];
}

function filesOf(o: {
  readonly named?: string | undefined;
  readonly system: string;
  readonly personal: readonly string[];
}): readonly string[] {
  const own = o.personal.map((folder) => `${folder}/registries.conf`).find((file) => existsSync(file));
  const additions = o.personal.flatMap((folder) => additionsOf(`${folder}/registries.conf.d`));
  if (o.named === undefined && own !== undefined) return [own, ...additions];
  return [
    o.named ?? `${o.system}/registries.conf`,
    ...additionsOf(`${o.system}/registries.conf.d`),
    ...additions,
  ];
}

function additionsOf(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw endpointError('REGISTRY_SETTINGS_FILE', { file: folder, why: `not readable (${code})` });
  }
  const files = names.filter((name) => name.endsWith('.conf')).sort();
  if (files.length > MAX_FILES)
    throw endpointError('REGISTRY_SETTINGS_FILE', { file: folder, why: `more than ${MAX_FILES} files` });
  return files.map((name) => `${folder}/${name}`);
}

function rulesOf(file: string, table: Table): readonly PrefixRule[] {
  const root = fieldsOf(file, 'the file', table);
  const rules = root
    .tables('registry')
    .map((each, i) => ruleOf(file, fieldsOf(file, `[[registry]] ${i + 1}`, each)));
  return [...oldRules(file, table.registries), ...rules];
}

function ruleOf(file: string, fields: Fields): PrefixRule {
  const location = place(fields, 'location');
  const prefix = place(fields, 'prefix') ?? location;
  if (prefix === undefined || (location === undefined && !prefix.startsWith('*.')))
    throw fields.wrong(prefix === undefined ? ' needs a prefix or a location' : ' needs a location');
  if (location?.includes('*')) throw fields.wrong('.location must be a host without *');
  const digestsOnly = fields.flag('mirror-by-digest-only');
  return {
    prefix,
    location: location ?? '',
    insecure: fields.flag('insecure'),
    blocked: fields.flag('blocked'),
    mirrors: fields
      .tables('mirror')
      .map((each, i) => mirrorOf(fieldsOf(file, `mirror ${i + 1} of ${prefix}`, each), digestsOnly)),
    file,
  };
}

function mirrorOf(fields: Fields, digestsOnly: boolean): Mirror {
  const location = place(fields, 'location');
  if (location === undefined || location.includes('*')) throw fields.wrong(' needs a location');
  const from = fields.text('pull-from-mirror') ?? 'all';
  if (!['all', 'digest-only', 'tag-only'].includes(from))
    throw fields.wrong('.pull-from-mirror must be all, digest-only or tag-only');
  const only = digestsOnly || from === 'digest-only' ? 'digests' : from === 'tag-only' ? 'tags' : undefined;
  return { location, insecure: fields.flag('insecure'), ...(only !== undefined && { only }) };
}

const PLACE = /^(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d{1,5})?(?:\/[a-z0-9._-]+)*$/;

/** `host[:port][/path]` in lower case, without a slash at the end. */
function place(fields: Fields, name: string): string | undefined {
  const text = fields.text(name)?.replace(/\/+$/, '').toLowerCase();
  if (text === undefined || text === '') return undefined;
  if (!PLACE.test(text))
    throw fields.wrong(
      `.${name} must be a host, with a port and a path if need be, got ${JSON.stringify(text)}`,
    );
  return text;
}

/** Version 1: lists of hosts that are blocked or insecure. */
function oldRules(file: string, registries: unknown): readonly PrefixRule[] {
  if (registries === undefined) return [];
  const root = fieldsOf(file, 'registries', registries);
  const hosts = (name: string): readonly string[] => {
    const list = (registries as Table)[name];
    const found =
      list === undefined ? [] : (fieldsOf(file, `registries.${name}`, list).texts('registries') ?? []);
    for (const host of found)
      if (!PLACE.test(host)) throw root.wrong(`.${name} has ${JSON.stringify(host)}, want a host`);
    return found;
  };
  const [blocked, insecure] = [hosts('block'), hosts('insecure')];
  return [...new Set([...blocked, ...insecure])].map((host) => ({
    prefix: host,
    location: host,
    insecure: insecure.includes(host),
    blocked: blocked.includes(host),
    mirrors: [],
    file,
  }));
}
