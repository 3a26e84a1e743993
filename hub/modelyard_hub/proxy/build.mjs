// Puts configurable-http-proxy and what it needs into one file, and the licences of all of it beside it.
import { build } from 'esbuild';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const proxy = join(here, 'node_modules', 'configurable-http-proxy');

// The proxy makes its own `require` to read its package.json, which would then have to lie beside the bundle.
// With esbuild's `require` the content becomes part of it.
const bundledRequire = {
  name: 'bundled-require',
  setup(builder) {
    builder.onLoad({ filter: /configurable-http-proxy\/(bin|lib)\// }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^const require = createRequire.*$/m, ''),
      loader: 'js'
    }));
  }
};

mkdirSync(dist, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: [join(proxy, 'bin', 'configurable-http-proxy')],
  outfile: join(dist, 'proxy.mjs'),
  plugins: [bundledRequire],
  bundle: true,
  minify: true,
  metafile: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Some of its dependencies are CommonJS and call `require` for Node's own modules.
  banner: { js: "import { createRequire as __make } from 'node:module'; const require = __make(import.meta.url);" },
  logLevel: 'warning'
});
cpSync(join(proxy, 'lib', 'error'), join(dist, 'error'), { recursive: true });

const folders = new Set(
  Object.keys(result.metafile.inputs)
    .map(path => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0])
    .filter(Boolean)
);
const licences = [...folders].sort().map(folder => {
  const { name, version, license } = JSON.parse(readFileSync(join(here, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(here, folder)).find(entry => /^(licen[cs]e|copying)/i.test(entry));
  const text = file ? readFileSync(join(here, folder, file), 'utf8').trim() : '';
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(dist, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(72)}\n\n`));
