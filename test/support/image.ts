import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);
const root = path.join(import.meta.dirname, "../..");

/**
 * Builds the project's own image from docker/Dockerfile inside the given dockerd, and gives its tag.
 *
 * No image registry is needed: the Dockerfile's base image is made here, from Debian's packages, the Node.js that runs
 * this test and npm. That takes half a minute and is kept in the user's cache folder for the next run.
 */
export async function buildImage(dockerd: { readonly host: string }): Promise<string> {
  const tag = "config-sync:test";
  const docker = (...args: string[]) =>
    exec("/usr/bin/docker", args, {
      env: { ...process.env, DOCKER_HOST: dockerd.host, DOCKER_BUILDKIT: "0" },
      timeout: 300_000,
    });
  await docker("import", await makeBase(), await baseName());
  await docker("build", "--quiet", "--network", "host", ...proxyArgs(), "-t", tag, "-f", "docker/Dockerfile", root);
  return tag;
}

/** The name in the Dockerfile's FROM lines, `node:24-bookworm-slim`. */
async function baseName(): Promise<string> {
  const dockerfile = await readFile(path.join(root, "docker/Dockerfile"), "utf8");
  const names = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name));
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Error("docker/Dockerfile must have one base image");
  return name;
}

/** The base image as a tar of its root file system: Debian, Node.js, npm, and this machine's way to the npm registry. */
async function makeBase(): Promise<string> {
  const npmrc = await registrySettings();
  const key = createHash("sha256").update([process.version, npmVersion, install, ...Object.values(npmrc)].join("\0"));
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "config-sync-test");
  const file = path.join(cache, `base-${key.digest("hex").slice(0, 16)}.tar`);
  if (existsSync(file)) return file;

  await mkdir(cache, { recursive: true });
  for (const name of await readdir(cache)) if (name.startsWith("base-")) await rm(path.join(cache, name));
  const stage = await mkdtemp(path.join(cache, "making-"));
  try {
    await writeFile(path.join(stage, "npmrc"), npmrc.text);
    await writeFile(path.join(stage, "ca.crt"), npmrc.certificates);
    await exec("npm", ["pack", "--silent", `npm@${npmVersion}`], { cwd: stage, timeout: 60_000 });
    await exec("mmdebstrap", [...debian, `--customize-hook=${install}`, "bookworm", path.join(stage, "base.tar")], {
      env: { ...process.env, TMPDIR: stage, STAGE: stage, NODE: process.execPath },
      timeout: 240_000,
    });
    await rename(path.join(stage, "base.tar"), file);
  } finally {
    await rm(stage, { recursive: true });
  }
  return file;
}

const npmVersion = "11.21.2";

const debian = [
  ...["--quiet", "--mode=root", "--variant=minbase", "--include=ca-certificates"],
  ...["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
];

/** Run by mmdebstrap before it packs the root file system, which is `$1`. */
const install = `
set -eu
local=$1/usr/local
install -D "$NODE" "$local/bin/node"
mkdir -p "$local/lib/node_modules/npm" "$local/etc"
tar -xzf "$STAGE"/npm-*.tgz --strip-components=1 --no-same-owner -C "$local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$local/bin/npm"
cp "$STAGE/npmrc" "$local/etc/npmrc"
cat "$STAGE/ca.crt" >>"$1/etc/ssl/certs/ca-certificates.crt"
`;

/** A machine may reach the registry only under another address, or through a proxy with a certificate of its own. */
async function registrySettings(): Promise<{ text: string; certificates: string }> {
  const setting = async (name: string) => (await exec("npm", ["config", "get", name])).stdout.trim();
  const [registry, cafile] = await Promise.all([setting("registry"), setting("cafile")]);
  const bundle = cafile !== "null" ? cafile : process.env.NODE_EXTRA_CA_CERTS;
  return {
    text: `registry=${registry}\ncafile=/etc/ssl/certs/ca-certificates.crt\n`,
    certificates: bundle === undefined ? "" : await readFile(bundle, "utf8"),
  };
}

function proxyArgs(): string[] {
  const names = ["http_proxy", "https_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  return names.filter((name) => process.env[name] !== undefined).flatMap((name) => ["--build-arg", name]);
}
