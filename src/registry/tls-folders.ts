import { readdirSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { TlsFiles } from '../http/types.ts';
import { readBoundedFile } from './bounded-file.ts';
import { configFolder, type PersonalFolders } from './credential-places.ts';
import { endpointError } from './endpoint-errors.ts';
import { hostOfRegistry } from './hosts.ts';

/** A bundle of all the world's authorities is some 250 KiB. */
const MAX_PEM_BYTES = 1024 * 1024;
const MAX_FILES = 64;
const HOST = /^(?:[a-z0-9][a-z0-9._-]*|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const HUB = 'docker.io';

/**
 * The certificates for a host (with port): of the first folder that has one for it, podman's before Docker's, the person's before the system's.
 * `*.crt` are authorities to trust besides the system's; `x.cert` and `x.key` prove who asks. A host is looked up once.
 * @throws REGISTRY_TLS_FILE from the function returned
 */
export function createTlsFolders(
  o: PersonalFolders & { readonly systemFolder?: string | undefined },
): (host: string) => Promise<TlsFiles | undefined> {
  const etc = o.systemFolder ?? '/etc';
  const folders = [...configFolder(o.home, o.environment), etc].flatMap((folder) => [
    `${folder}/containers`,
    `${folder}/docker`,
  ]);
  const known = new Map<string, Promise<TlsFiles | undefined>>();
  const look = async (host: string): Promise<TlsFiles | undefined> => {
    if (!HOST.test(host)) return undefined;
    const names = host === hostOfRegistry(HUB) ? [host, HUB] : [host];
    for (const folder of folders) {
      for (const name of names) {
        const files = readFolder(`${folder}/certs.d/${name}`);
        if (files !== undefined) return files;
      }
    }
    return undefined;
  };
  return (host) => {
    const lower = host.toLowerCase();
    const found = known.get(lower) ?? look(lower);
    known.set(lower, found);
    return found;
  };
}

function readFolder(folder: string): TlsFiles | undefined {
  let names: readonly string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    // A folder that is closed to this user is another's, as podman takes it.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(code)) return undefined;
    throw endpointError('REGISTRY_TLS_FILE', { file: folder, why: `not readable (${code})` });
  }
  const ending = (end: string): readonly string[] =>
    names.filter((name) => name.endsWith(end)).map((name) => `${folder}/${name}`);
  const [authorities, certificates, keys] = [ending('.crt'), ending('.cert'), ending('.key')];
  if (authorities.length + certificates.length + keys.length > MAX_FILES)
    throw endpointError('REGISTRY_TLS_FILE', { file: folder, why: `more than ${MAX_FILES} files` });
  const other = (file: string, end: string): string => file.replace(/\.[a-z]+$/, end);
  const lone = (files: readonly string[], end: string, partners: readonly string[]): void => {
    const single = files.find((file) => !partners.includes(other(file, end)));
    if (single !== undefined)
      throw endpointError('REGISTRY_TLS_FILE', {
        file: single,
        why: `its other half ${other(single, end)} is missing`,
      });
  };
  lone(certificates, '.key', keys);
  lone(keys, '.cert', certificates);
  const [cert] = certificates;
  return {
    ...(authorities.length > 0 && { ca: authorities.map(readPem) }),
    ...(cert !== undefined && { cert: readPem(cert), key: readPem(other(cert, '.key')) }),
  };
}

function readPem(file: string): string {
  const problem = (why: string): Error => endpointError('REGISTRY_TLS_FILE', { file, why });
  const text = readBoundedFile(file, MAX_PEM_BYTES, problem);
  if (text === undefined) throw problem('it is not there');
  if (!text.includes('-----BEGIN ')) throw problem('it holds no PEM block');
  return text;
}
