import { baseName, parentPath } from '../../layer/entry-paths.ts';
import {
  type ListedPackage,
  parseApkInstalled,
  parseDpkgList,
  parseDpkgStatus,
  parseMd5sums,
  parsePackageJson,
  parsePythonMetadata,
  parsePythonRecord,
} from './parse-databases.ts';
import { parseRpmSqlite } from './parse-rpm.ts';

export type PackageManager = 'dpkg' | 'apk' | 'rpm' | 'npm' | 'python';

/** What one file of a package database says. */
export interface PackageFile {
  readonly manager: PackageManager;
  /** Packages that are installed while the file is there. */
  readonly packages: readonly ListedPackage[];
  /** Files of a package that another file tells of: its name (of dpkg maybe with `:architecture`), or the folder of its metadata. */
  readonly owned?: { readonly of: string; readonly files: readonly string[] } | undefined;
  /** Of npm and Python: where the package is; its key, since a name may be there several times. */
  readonly place?: string | undefined;
}

const DPKG = 'var/lib/dpkg/';

/** Reads a file of a package database by its path; undefined for any other path. What cannot be read gives undefined. */
export function packageFileAt(path: string): ((bytes: Buffer) => PackageFile | undefined) | undefined {
  if (RPM_SQLITE.test(path)) return rpmFile;
  const parse = textFileAt(path);
  return parse === undefined ? undefined : (bytes) => parse(bytes.toString('utf8'));
}

const RPM_SQLITE = /^(?:var\/lib|usr\/lib\/sysimage)\/rpm\/rpmdb\.sqlite$/;

function rpmFile(bytes: Buffer): PackageFile | undefined {
  const packages = parseRpmSqlite(bytes);
  return packages === undefined ? undefined : { manager: 'rpm', packages };
}

function textFileAt(path: string): ((text: string) => PackageFile) | undefined {
  if (path.startsWith(DPKG)) return dpkgFile(path);
  const name = baseName(path);
  if (name === 'installed' && /^(?:usr\/)?lib\/apk\/db\/installed$/.test(path))
    return (text) => ({ manager: 'apk', packages: parseApkInstalled(text) });
  if (name === 'package.json') {
    const place = parentPath(path);
    if (!/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*$/.test(place)) return undefined;
    return (text) => ({ manager: 'npm', packages: parsePackageJson(text), place });
  }
  const info = parentPath(path);
  if (!info.endsWith('.dist-info')) return undefined;
  if (name === 'METADATA')
    return (text) => ({ manager: 'python', packages: parsePythonMetadata(text), place: info });
  if (name !== 'RECORD') return undefined;
  const site = parentPath(info);
  return (text) => {
    const files = parsePythonRecord(text).map((each) =>
      each.startsWith('/') ? each.slice(1) : `${site}/${each}`,
    );
    return { manager: 'python', packages: [], owned: { of: info, files } };
  };
}

function dpkgFile(path: string): ((text: string) => PackageFile) | undefined {
  const below = path.slice(DPKG.length);
  if (below === 'status') return (text) => ({ manager: 'dpkg', packages: parseDpkgStatus(text) });
  const [, folder, name = '', ending] = /^(info|status\.d)\/([^/]+?)(\.list|\.md5sums)?$/.exec(below) ?? [];
  if (folder === 'info' && ending === '.list')
    return (text) => ({ manager: 'dpkg', packages: [], owned: { of: name, files: parseDpkgList(text) } });
  if (folder !== 'status.d') return undefined;
  if (ending === '.md5sums')
    return (text) => ({ manager: 'dpkg', packages: [], owned: { of: name, files: parseMd5sums(text) } });
  return ending === undefined ? (text) => ({ manager: 'dpkg', packages: parseDpkgStatus(text) }) : undefined;
}

/** Databases that are there and that nothing here reads: rpm's of Berkeley DB, and its own format of SUSE. */
export const isUnreadDatabase = (path: string): boolean =>
  /^(?:var\/lib|usr\/lib\/sysimage)\/rpm\/Packages(?:\.db)?$/.test(path);
