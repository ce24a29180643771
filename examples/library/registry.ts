// An image from a registry into a folder: verified, what is there is not fetched again, what was cut goes on.
import { createHttp } from 'dobos/http/http';
import { pullImage } from 'dobos/image/pull-image';
import { parseReference, withDefaultTag } from 'dobos/oci/reference';
import { hostOfRegistry } from 'dobos/registry/hosts';
import { createRegistry } from 'dobos/registry/registry';
import { createDirectoryStore } from 'dobos/store/directory-store';

const http = createHttp({ userAgent: 'example/1.0' });
const registry = createRegistry({
  http,
  // Nobody's credentials and no mirrors; createCredentials and createEndpoints read docker's and podman's files.
  credentials: { find: async () => ({}) },
  endpoints: {
    find: async (name, repository) => [
      { base: `https://${hostOfRegistry(name)}`, repository, mirror: false },
    ],
  },
});
const reference = withDefaultTag(parseReference('busybox'));
const repository = registry.repository(reference.registry, reference.repository);
const platform = { os: 'linux', architecture: 'amd64' };
const pulled = await pullImage(createDirectoryStore('store'), repository, reference, { platform });
console.log(pulled.name, pulled.target.digest, pulled.status);
await http.close();
