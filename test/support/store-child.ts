import { type ChildProcess, spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** What a child process prints and how it ended. */
export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const dist = (file: string): string => JSON.stringify(pathToFileURL(`${process.cwd()}/dist/${file}`).href);

/** What every script below may use: the store of the built package and small images. */
const PRELUDE = `
import { readFileSync, writeFileSync } from 'node:fs';
const { createDirectoryStore } = await import(${dist('store/directory-store.js')});
const { sha256, streamOf, collect } = await import(${dist('base/bytes.js')});
const BLOB = 'application/octet-stream', MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const describe = (bytes, mediaType = BLOB) => ({ mediaType, digest: sha256(bytes), size: Buffer.byteLength(bytes) });
const put = async (store, text, mediaType) => {
  const blob = describe(text, mediaType);
  await store.put(blob, streamOf(Buffer.from(text)));
  return blob;
};
const putImage = async (store, text) => {
  const layer = await put(store, text, 'application/vnd.oci.image.layer.v1.tar');
  const config = await put(store, JSON.stringify({ author: text }), 'application/vnd.oci.image.config.v1+json');
  const manifest = await put(store, JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }), MANIFEST);
  return { manifest, config, layer };
};
const toArray = async (items) => { const all = []; for await (const item of items) all.push(item); return all; };
const folder = process.argv[1];
`;

/** Runs a script over the built store in a process of its own; `wrap` is put before `node`. */
export function runStoreScript(
  folder: string,
  script: string,
  o: { readonly wrap?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<ChildResult> {
  const [program, ...rest] = [
    ...(o.wrap ?? []),
    process.execPath,
    '--input-type=module',
    '-e',
    PRELUDE + script,
    folder,
    ...(o.args ?? []),
  ];
  return ended(spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

function ended(child: ChildProcess): Promise<ChildResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (part) => {
    stdout += part;
  });
  child.stderr?.on('data', (part) => {
    stderr += part;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
