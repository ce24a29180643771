/**
 * The files that people keep settings in: `dobos.yaml` or the `dobos` key of a package.json, and the user's own.
 * @module
 */
import { statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readBounded } from '../base/bounded-file.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import { suggest } from '../dockerfile/suggest.ts';
import { yamlSnippet } from '../yaml/cursor.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import type { YamlMap, YamlNode, YamlPlace, YamlScalar } from '../yaml/types.ts';
import type { Settings } from './settings.ts';

type ProjectErrors = {
  PROJECT_FILE: { file: string; why: string };
  PROJECT_FILE_NAME: { file: string };
  PROJECT_KEY: {
    file: string;
    key: string;
    of: string;
    known: readonly string[];
    nearest: string | undefined;
  };
  PROJECT_VALUE: { file: string; key: string; got: string; wanted: string };
};
const projectError = errorMaker<ProjectErrors>({
  PROJECT_FILE: ({ file, why }) => `cannot read the settings in ${file}: ${why}`,
  PROJECT_FILE_NAME: ({ file }) => ({
    message: `${file} is not read: settings are in dobos.yaml`,
    hint: 'mv dobos.yml dobos.yaml',
  }),
  PROJECT_KEY: ({ file, key, of, known, nearest }) => ({
    message: `${file}: ${of} has no setting "${key}"`,
    hint: nearest === undefined ? `there is ${known.join(', ')}` : `did you mean "${nearest}"?`,
  }),
  PROJECT_VALUE: ({ file, key, got, wanted }) => `${file}: ${key} is ${got}, want ${wanted}`,
});

/** Bytes of a file of settings. */
const MAX_BYTES = 1024 * 1024;

/** A file of settings, read. */
export interface SettingsFile {
  /** For messages: relative where it is near. */
  readonly name: string;
  readonly text: string;
  readonly node: YamlNode;
}

/** The settings of the project that a folder is in (the nearest folder that has any, up to the one with .git), then the user's. @throws PROJECT_ errors, YAML_SYNTAX */
export function settingsFiles(folder: string, settings: Settings): readonly SettingsFile[] {
  const found: SettingsFile[] = [];
  for (let at = folder; ; at = dirname(at)) {
    const file = projectFile(at, folder);
    if (file !== undefined) found.push(file);
    if (file !== undefined || dirname(at) === at || isThere(join(at, '.git'))) break;
  }
  const home =
    settings.environment.XDG_CONFIG_HOME || (settings.home === '' ? '' : join(settings.home, '.config'));
  if (home !== '') {
    const path = join(home, 'dobos', 'config.yaml');
    const text = readText(path, path);
    if (text !== undefined) found.push({ name: path, text, node: parseYaml(text, path) });
  }
  return found;
}

function projectFile(at: string, folder: string): SettingsFile | undefined {
  const shown = (name: string): string => relative(folder, join(at, name)) || name;
  const yaml = readText(join(at, 'dobos.yaml'), shown('dobos.yaml'));
  if (yaml !== undefined)
    return { name: shown('dobos.yaml'), text: yaml, node: parseYaml(yaml, shown('dobos.yaml')) };
  if (isThere(join(at, 'dobos.yml'))) throw projectError('PROJECT_FILE_NAME', { file: shown('dobos.yml') });
  const name = shown('package.json');
  const json = readText(join(at, 'package.json'), name);
  // What is wrong with other people's files is not told unless they are meant for us.
  if (json === undefined || !json.includes('"dobos"')) return undefined;
  const root = parseYaml(json, name);
  const node = root.kind === 'map' ? root.entries.get('dobos')?.value : undefined;
  return node === undefined || node.kind === 'scalar' ? undefined : { name, text: json, node };
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** A named file of settings. @throws PROJECT_FILE, YAML_SYNTAX */
export function settingsFile(path: string): SettingsFile {
  const text = readText(path, path, false);
  if (text === undefined) throw projectError('PROJECT_FILE', { file: path, why: 'there is no such file' });
  return { name: path, text, node: parseYaml(text, path) };
}

/** Undefined if there is no such file. */
function readText(path: string, name: string, found = true): string | undefined {
  try {
    const bytes = readBounded(path, MAX_BYTES, { found });
    if ('why' in bytes) throw projectError('PROJECT_FILE', { file: name, why: bytes.why });
    return bytes.toString('utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === undefined || code.startsWith('PROJECT_')) throw error;
    const why = code === 'EACCES' ? 'this user may not' : code;
    throw projectError('PROJECT_FILE', { file: name, why }, { cause: error });
  }
}

const placeIn = ({ name, text }: SettingsFile, place: YamlPlace) => ({
  place: { file: `${name}:${place.line}:${place.column}`, snippet: yamlSnippet(text, place) },
});

/** The entries of a map, none if nothing is there. `of` names it for messages. @throws PROJECT_VALUE, PROJECT_KEY for one that is not known */
export function knownEntries(
  file: SettingsFile,
  node: YamlNode | undefined,
  of: string,
  known: readonly string[],
): YamlMap['entries'] {
  if (node === undefined || isNothing(node)) return new Map();
  if (node.kind !== 'map') throw valueError(file, node, of, 'a map of names to values');
  for (const [key, entry] of node.entries) {
    if (known.includes(key)) continue;
    const nearest = suggest(key, known);
    throw projectError('PROJECT_KEY', { file: file.name, key, of, known, nearest }, placeIn(file, entry.key));
  }
  return node.entries;
}

/** @throws PROJECT_VALUE */
export function scalarOf(file: SettingsFile, node: YamlNode, key: string, wanted: string): YamlScalar {
  if (node.kind !== 'scalar') throw valueError(file, node, key, wanted);
  return node;
}

/** The texts of a list, or of a single text; none if nothing is there. @throws PROJECT_VALUE */
export function textsOf(
  file: SettingsFile,
  node: YamlNode,
  key: string,
  wanted: string,
): readonly YamlScalar[] {
  if (isNothing(node)) return [];
  if (node.kind === 'scalar') return [node];
  if (node.kind !== 'list') throw valueError(file, node, key, wanted);
  return node.items.map((item) => scalarOf(file, item, key, wanted));
}

export function valueError(file: SettingsFile, node: YamlNode, key: string, wanted: string): Error {
  const got = node.kind === 'scalar' ? (node.text === '' ? 'empty' : `"${node.text}"`) : `a ${node.kind}`;
  return projectError('PROJECT_VALUE', { file: file.name, key, got, wanted }, placeIn(file, node));
}

/** True where nothing was written, or `null`. */
export const isNothing = (node: YamlNode): boolean =>
  node.kind === 'scalar' && !node.quoted && ['', '~', 'null'].includes(node.text);
