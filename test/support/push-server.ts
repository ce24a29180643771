import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from '../../src/base/bytes.ts';
import { fail } from './registry-server.ts';
import { createTokenDesk, type TokenAuth } from './token-desk.ts';

/** A registry in memory that is written to. */
export interface PushServer {
  readonly host: string;
  /** `METHOD path?query` in the order they came, with the bytes of the body that came. */
  readonly seen: readonly PushSeen[];
  /** By digest; one for all repositories. */
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  /** `repository:tag` → digest. */
  readonly tags: Map<string, string>;
  expireTokens(): void;
  close(): Promise<void>;
}

export interface PushSeen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  bytes: number;
}

export interface PushServerOptions {
  readonly auth?: TokenAuth | undefined;
  /** Sees every request before its body is read; true: it answered, or will. */
  readonly before?:
    | ((request: IncomingMessage, response: ServerResponse, seen: PushSeen) => boolean)
    | undefined;
  /** After how many bytes of this body the connection breaks; undefined: not at all. What came is kept. */
  readonly cut?: ((seen: PushSeen, length: number) => number | undefined) | undefined;
  /** The address that an upload is said to go on at, from its path. */
  readonly location?: ((path: string) => string) | undefined;
  /** Whether blobs are mounted from other repositories. */
  readonly mounts?: boolean | undefined;
}

export async function servePushes(o: PushServerOptions = {}): Promise<PushServer> {
  const seen: PushSeen[] = [];
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { type: string; bytes: Buffer }>();
  const tags = new Map<string, string>();
  const uploads = new Map<string, Buffer[]>();
  let host = '';
  let last = 0;
  const desk = o.auth === undefined ? undefined : createTokenDesk(o.auth, () => `http://${host}/token`);
  const sizeOf = (id: string): number => uploads.get(id)!.reduce((sum, { length }) => sum + length, 0);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '/', headers } = request;
    const record: PushSeen = { method, url: path, headers, bytes: 0 };
    seen.push(record);
    if (o.before?.(request, response, record) === true) return;
    const url = new URL(path, `http://${host}`);
    if (desk !== undefined && url.pathname === '/token') return desk.answer(request, response, url);
    const refused = desk?.refuse(request, url);
    if (refused !== undefined) {
      response.setHeader('www-authenticate', refused);
      return fail(response, 401, 'UNAUTHORIZED', 'authentication required');
    }
    const [, repository = '', rest = ''] =
      /^\/v2\/(.+?)\/((?:blobs|manifests)\/.*)$/.exec(url.pathname) ?? [];
    const [kind, name = '', id = ''] = rest.split('/');
    if (kind === 'manifests') return manifest(request, response, record, repository, name);
    if (name !== 'uploads') return blob(request, response, name);
    if (id === '') return begin(response, url, repository);
    return upload(request, response, record, url, repository, id);
  };

  const whereOf = (repository: string, id: string): string => {
    const path = `/v2/${repository}/blobs/uploads/${id}?_state=at-${sizeOf(id)}`;
    return o.location?.(path) ?? path;
  };

  const begin = (response: ServerResponse, url: URL, repository: string): void => {
    const mount = url.searchParams.get('mount');
    if (mount !== null && o.mounts === true && blobs.has(mount)) {
      const location = `/v2/${repository}/blobs/${mount}`;
      return void response.writeHead(201, { location, 'docker-content-digest': mount }).end();
    }
    const id = `upload-${++last}`;
    uploads.set(id, []);
    response.writeHead(202, { location: whereOf(repository, id), range: '0-0' }).end();
  };

  const upload = async (
    request: IncomingMessage,
    response: ServerResponse,
    record: PushSeen,
    url: URL,
    repository: string,
    id: string,
  ): Promise<void> => {
    const parts = uploads.get(id);
    if (parts === undefined) return fail(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'upload unknown');
    const range = () => ({ range: `0-${Math.max(0, sizeOf(id) - 1)}`, location: whereOf(repository, id) });
    if (request.method === 'GET') return void response.writeHead(204, range()).end();
    if (request.method === 'DELETE') {
      uploads.delete(id);
      return void response.writeHead(204).end();
    }
    const from = /^(\d+)-\d+$/.exec(request.headers['content-range'] ?? '')?.[1];
    if (from !== undefined && Number(from) !== sizeOf(id))
      return fail(response, 416, 'RANGE_INVALID', 'out of order');
    if (!(await take(request, record, parts))) return;
    if (request.method === 'PATCH') return void response.writeHead(202, range()).end();
    const digest = url.searchParams.get('digest') ?? '';
    const bytes = Buffer.concat(parts);
    uploads.delete(id);
    if (sha256(bytes) !== digest) return fail(response, 400, 'DIGEST_INVALID', 'digest did not match');
    blobs.set(digest, bytes);
    response
      .writeHead(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
      .end();
  };

  /** False if the connection broke. */
  const take = async (request: IncomingMessage, record: PushSeen, parts: Buffer[]): Promise<boolean> => {
    const most = o.cut?.(record, Number(request.headers['content-length'] ?? 0)) ?? Number.POSITIVE_INFINITY;
    for await (const part of request as AsyncIterable<Buffer>) {
      const kept = part.subarray(0, Math.max(0, most - record.bytes));
      record.bytes += kept.length;
      parts.push(kept);
      if (record.bytes < most) continue;
      request.socket.destroy();
      return false;
    }
    return true;
  };

  const blob = (request: IncomingMessage, response: ServerResponse, digest: string): void => {
    const bytes = blobs.get(digest);
    if (bytes === undefined) {
      fail(response, 404, 'BLOB_UNKNOWN', 'blob unknown');
      return;
    }
    response.writeHead(200, { 'content-length': bytes.length, 'docker-content-digest': digest });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };

  const manifest = async (
    request: IncomingMessage,
    response: ServerResponse,
    record: PushSeen,
    repository: string,
    name: string,
  ): Promise<void> => {
    if (request.method === 'PUT') {
      const parts: Buffer[] = [];
      if (!(await take(request, record, parts))) return;
      const bytes = Buffer.concat(parts);
      const {
        config,
        layers = [],
        manifests: entries = [],
      } = JSON.parse(bytes.toString()) as {
        config?: { digest: string };
        layers?: { digest: string }[];
        manifests?: { digest: string }[];
      };
      const wanted = [...(config === undefined ? [] : [config]), ...layers];
      const missing =
        wanted.find(({ digest }) => !blobs.has(digest)) ??
        entries.find(({ digest }) => !manifests.has(digest));
      if (missing !== undefined)
        return fail(response, 400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry');
      const digest = sha256(bytes);
      manifests.set(digest, { type: String(request.headers['content-type']), bytes });
      if (!name.includes(':')) tags.set(`${repository}:${name}`, digest);
      return void response.writeHead(201, { 'docker-content-digest': digest }).end();
    }
    const digest = name.includes(':') ? name : tags.get(`${repository}:${name}`);
    const found = manifests.get(digest ?? '');
    if (digest === undefined || found === undefined)
      return fail(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const { type, bytes } = found;
    response.writeHead(200, {
      'content-type': type,
      'content-length': bytes.length,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ host, seen, blobs, manifests, tags },
    expireTokens: () => desk?.expire(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
