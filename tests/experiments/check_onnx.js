// Runs exported models in ONNX Runtime and holds them against what the trainer says:
//   NODE_PATH=.../node_modules node check_onnx.js FOLDER...
// FOLDER: of `hwnas export --samples N`. Prints one JSON line for each model; exit code 0 always
// but where something cannot be read. Needs the package onnxruntime-node (npm install
// --ignore-scripts onnxruntime-node, anywhere outside the repository).
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

const kBatch = 250;

// The format is in trainer/tensor_file.h.
function loadTensors(file) {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = entry.data_offsets;
    // Copied, so that it lies aligned.
    const raw = bytes.buffer.slice(bytes.byteOffset + 8 + length + begin,
                                   bytes.byteOffset + 8 + length + end);
    const types = {F32: Float32Array, I64: BigInt64Array, I32: Int32Array};
    tensors[name] = {shape: entry.shape, data: new types[entry.dtype](raw)};
  }
  return tensors;
}

function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; ++i) if (row[i] > row[best]) best = i;
  return best;
}

async function compare(model, samples, expected) {
  const session = await ort.InferenceSession.create(
      model, {intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3});
  const [images, classes] = [samples.images, expected.shape[1]];
  const size = images.data.length / images.shape[0];
  const report = {model, images: images.shape[0], largest: 0, same: 0, right: 0, ours_right: 0};
  for (let at = 0; at < images.shape[0]; at += kBatch) {
    const n = Math.min(kBatch, images.shape[0] - at);
    const input = new ort.Tensor('float32', images.data.slice(at * size, (at + n) * size),
                                 [n, ...images.shape.slice(1)]);
    const result = await session.run({[session.inputNames[0]]: input});
    const got = result[session.outputNames[0]].data;
    for (let i = 0; i < n; ++i) {
      const theirs = got.subarray(i * classes, (i + 1) * classes);
      const ours = expected.data.subarray((at + i) * classes, (at + i + 1) * classes);
      for (let k = 0; k < classes; ++k) {
        const difference = Math.abs(theirs[k] - ours[k]);
        if (!(difference <= report.largest)) report.largest = difference;  // NaN too
      }
      const label = Number(samples.labels.data[at + i]);
      report.same += argmax(theirs) === argmax(ours);
      report.right += argmax(theirs) === label;
      report.ours_right += argmax(ours) === label;
    }
  }
  return report;
}

async function main() {
  for (const folder of process.argv.slice(2)) {
    const samples = loadTensors(path.join(folder, 'samples.safetensors'));
    for (const [file, logits] of [['model.onnx', 'logits'], ['model.int8.onnx', 'int8_logits']]) {
      const model = path.join(folder, file);
      if (!fs.existsSync(model)) continue;
      console.log(JSON.stringify(await compare(model, samples, samples[logits])));
    }
  }
}

main().catch(error => {
  console.error(String(error.message || error).split('\n')[0]);
  process.exit(1);
});
