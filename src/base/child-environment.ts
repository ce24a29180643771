type Environment = Readonly<Record<string, string | undefined>>;

/** That of our own processes. Node parses those of NODE_EXTRA_CA_CERTS at its start, for as long as all the rest of that takes; our own processes speak no TLS. */
export function childEnvironment(env: Environment): Environment {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = env;
  return rest;
}
