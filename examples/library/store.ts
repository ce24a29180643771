// A store is an OCI layout: bytes by digest, and names for them. What one store has, `copy` brings to another.
import { streamOf } from 'dobos/base/bytes';
import { copy } from 'dobos/store/copy';
import { createDirectoryStore } from 'dobos/store/directory-store';
import { createMemoryStore } from 'dobos/store/memory-store';

const memory = createMemoryStore();
const blob = await memory.ingest(streamOf(new TextEncoder().encode('hello\n')), 'text/plain');
const folder = createDirectoryStore('store');
await copy(memory, folder, blob);
console.log(await folder.has(blob), blob.size); // true 6
