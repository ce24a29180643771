import { join } from 'node:path';

/** Who asks and where from: all that decides which files are read. */
export interface PersonalFolders {
  /** Empty for a user without one. */
  readonly home: string;
  readonly uid: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A file that may hold credentials. */
export interface CredentialPlace {
  readonly path: string;
  /** `dockercfg`: hosts at the top level, as before Docker 1.7. */
  readonly format: 'config' | 'dockercfg';
  /** Where `login` writes when no other file holds the host's credential. */
  readonly forLogin: boolean;
}

/**
 * The files in the order they are asked; none need exist. `REGISTRY_AUTH_FILE` stands alone, as with podman.
 * Docker's file comes after podman's, but first when `DOCKER_CONFIG` names it.
 */
export function credentialPlaces({ home, uid, environment }: PersonalFolders): readonly CredentialPlace[] {
  const { REGISTRY_AUTH_FILE: only, DOCKER_CONFIG: named, XDG_RUNTIME_DIR: runtime } = environment;
  if (only) return [{ path: only, format: 'config', forLogin: true }];
  const place = (path: string): CredentialPlace => ({ path, format: 'config', forLogin: false });
  const docker = { path: join(named || join(home, '.docker'), 'config.json'), forLogin: true } as const;
  const inHome = home !== '';
  const dockers = named || inHome ? [{ ...docker, format: 'config' } as const] : [];
  const podmans = [
    place(join(runtime || `/run/containers/${uid}`, ...(runtime ? ['containers'] : []), 'auth.json')),
    ...configFolder(home, environment).map((folder) => place(join(folder, 'containers/auth.json'))),
  ];
  const old = inHome
    ? [{ path: join(home, '.dockercfg'), format: 'dockercfg', forLogin: false } as const]
    : [];
  return named ? [...dockers, ...podmans, ...old] : [...podmans, ...dockers, ...old];
}

/** `$XDG_CONFIG_HOME` or `~/.config`; none for a user without a home. */
export function configFolder(home: string, environment: PersonalFolders['environment']): readonly string[] {
  if (environment.XDG_CONFIG_HOME) return [environment.XDG_CONFIG_HOME];
  return home === '' ? [] : [join(home, '.config')];
}
