import { mirrorUrl } from './docker-rules.ts';
import { fieldsOf, readTomlFile } from './rules-file.ts';

/** What containerd's `hosts.toml` says of a registry. */
export interface HostsFile {
  /** In the order of the file. */
  readonly mirrors: readonly { readonly base: string; readonly only?: 'digests' | undefined }[];
  /** Stands for the registry itself. */
  readonly server?: string | undefined;
}

/** A host's folder name; anything else is no host, and certainly no path. */
const HOST = /^[a-z0-9][a-z0-9._-]*(?::\d{1,5})?$/;

/**
 * The mirrors of `<folder>/<host>/hosts.toml`, or of `_default`: those that may pull; without the capability `resolve` for digests only.
 * Hosts with certificates, headers or lax checks of their own (`ca`, `client`, `header`, `skip_verify`) are left out: those settings are not followed.
 * @throws REGISTRY_SETTINGS_FILE
 */
export async function readHostsFile(folder: string, registry: string): Promise<HostsFile> {
  if (!HOST.test(registry)) return { mirrors: [] };
  for (const name of [registry, registry.replace(':', '_'), '_default']) {
    const file = `${folder}/${name}/hosts.toml`;
    const table = await readTomlFile(file, /\S/);
    if (table === undefined) continue;
    const root = fieldsOf(file, 'the file', table);
    const server = root.text('server');
    const url =
      server === undefined ? undefined : mirrorUrl(server.includes('://') ? server : `https://${server}`);
    if (server !== undefined && url === undefined) throw root.wrong('.server must be a URL of a host');
    const hosts = (table.host ?? {}) as Readonly<Record<string, unknown>>;
    const mirrors = Object.entries(hosts).flatMap(([written, host]) => mirrorOf(file, written, host));
    return { mirrors, ...(url !== undefined && name !== '_default' && { server: url }) };
  }
  return { mirrors: [] };
}

function mirrorOf(file: string, written: string, host: unknown): HostsFile['mirrors'] {
  const fields = fieldsOf(file, `host."${written}"`, host);
  const base = mirrorUrl(written.includes('://') ? written : `https://${written}`);
  if (base === undefined) throw fields.wrong(' is no URL of a host');
  const may = fields.texts('capabilities') ?? ['pull', 'resolve'];
  const odd = ['ca', 'client', 'header'].some((name) => (host as object)[name as never] !== undefined);
  if (!may.includes('pull') || odd || fields.flag('skip_verify')) return [];
  // With `override_path` the path is all there is; else containerd puts `/v2` after it.
  const whole = fields.flag('override_path') || new URL(base).pathname === '/' ? base : `${base}/v2`;
  return [{ base: whole, ...(!may.includes('resolve') && { only: 'digests' as const }) }];
}
