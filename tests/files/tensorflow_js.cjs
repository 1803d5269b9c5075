// Runs a converted model: node tensorflow_js.cjs FOLDER, with {input: {values, shape}} on stdin, and its output on stdout.
const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");

async function main(folder) {
  const model = JSON.parse(fs.readFileSync(path.join(folder, "model.json")));
  const manifest = model.weightsManifest;
  const shards = manifest.flatMap((group) => group.paths.map((name) => fs.readFileSync(path.join(folder, name))));
  const weights = Buffer.concat(shards);
  const graph = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: model.modelTopology,
      signature: model.signature,
      modelInitializer: model.modelInitializer,
      initializerSignature: model.initializerSignature,
      weightSpecs: manifest.flatMap((group) => group.weights),
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length),
    }),
  );
  const given = Object.entries(JSON.parse(fs.readFileSync(0)));
  const types = Object.fromEntries(graph.inputs.map(({ name, dtype }) => [name, dtype]));
  const inputs = Object.fromEntries(
    given.map(([name, { values, shape }]) => [name, tf.tensor(values, shape, types[name])]),
  );
  const output = await graph.executeAsync(inputs);
  process.stdout.write(JSON.stringify({ values: Array.from(output.dataSync()), shape: output.shape }));
}

main(process.argv[2]);
