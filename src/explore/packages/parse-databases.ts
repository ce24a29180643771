/** A package as a database tells of it. */
export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string | undefined;
  /** Paths that it owns, relative to the root; undefined where another file has them. */
  readonly files?: readonly string[] | undefined;
}

/** Packages of one database; more are left out. */
const MAX_PACKAGES = 100_000;

/** Packages of dpkg's `status` that are installed, or of a file of `status.d`, which does not say so. */
export function parseDpkgStatus(text: string): ListedPackage[] {
  const found: ListedPackage[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    const field = fieldsOf(paragraph);
    const name = field('Package');
    const status = field('Status');
    if (name === undefined || (status !== undefined && !/\binstalled$/.test(status))) continue;
    found.push({ name, version: field('Version') ?? '', architecture: field('Architecture') });
    if (found.length === MAX_PACKAGES) break;
  }
  return found;
}

/** Paths of an `info/NAME.list`, a line each. */
export const parseDpkgList = (text: string): string[] =>
  text.split('\n').flatMap((line) => (line.length > 1 && line !== '/.' ? [line.replace(/^\/+/, '')] : []));

/** Paths of an `info/NAME.md5sums` or `status.d/NAME.md5sums`: digest, two blanks, path. */
export const parseMd5sums = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => /^[0-9a-f]{32} [ *](.+)$/.exec(line)?.[1]?.replace(/^(?:\.?\/)+/, '') ?? []);

/** Packages of apk's `installed`, with the files that it lists below `F:` directories. */
export function parseApkInstalled(text: string): ListedPackage[] {
  const found: ListedPackage[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    const lines = paragraph.split('\n');
    const value = (letter: string): string | undefined =>
      lines.find((line) => line.startsWith(`${letter}:`))?.slice(2);
    const name = value('P');
    if (name === undefined || name === '') continue;
    const files: string[] = [];
    let folder = '';
    for (const line of lines) {
      if (line.startsWith('F:')) folder = line.slice(2);
      else if (line.startsWith('R:'))
        files.push(folder === '' ? line.slice(2) : `${folder}/${line.slice(2)}`);
    }
    found.push({ name, version: value('V') ?? '', architecture: value('A'), files });
    if (found.length === MAX_PACKAGES) break;
  }
  return found;
}

/** The package of a Python distribution's METADATA or PKG-INFO: what stands above the first empty line. */
export function parsePythonMetadata(text: string): ListedPackage[] {
  const field = fieldsOf(text.split(/\n\s*\n/, 1)[0] ?? '');
  const name = field('Name');
  return name === undefined ? [] : [{ name, version: field('Version') ?? '' }];
}

/** Paths of a RECORD, relative to the folder that has the `.dist-info`. */
export const parsePythonRecord = (text: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^,]*)),/.exec(line) ?? [];
    const path = quoted?.replaceAll('""', '"') ?? plain;
    return path === undefined || path === '' ? [] : [path];
  });

/** The package of a package.json; none for one without a name, which is no package's. */
export function parsePackageJson(text: string): ListedPackage[] {
  try {
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
    if (typeof name !== 'string' || name === '') return [];
    return [{ name, version: typeof version === 'string' ? version : '' }];
  } catch {
    return [];
  }
}

/** Fields of a paragraph by name; lines that begin with a blank go on with the one before and are left out. */
function fieldsOf(paragraph: string): (name: string) => string | undefined {
  const fields = new Map<string, string>();
  for (const line of paragraph.split('\n')) {
    const [, name, value = ''] = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/.exec(line.trimEnd()) ?? [];
    if (name !== undefined && !fields.has(name)) fields.set(name, value);
  }
  return (name) => fields.get(name);
}
