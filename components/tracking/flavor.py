"""Makes a version's files loadable by `mlflow.transformers.load_model`, without loading the model to do so.

`mlflow.transformers.save_model` writes the same files, but takes the model through memory, asks the hub for
a model card, and stores weights whose bytes are not those that training wrote. Here the folder that training
saved stays byte for byte as it is, under `model/`.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from components.files import write_text
from components.modeling.text_format import TextFormat
from components.tracking.serving import MODEL, signature_of

_TOKENIZER = "components/tokenizer"
_LIBRARIES = ("mlflow", "torch", "transformers")


def write_flavor(folder: Path) -> None:
    """Write MLmodel, requirements.txt and the tokenizer's files for the causal LM in `folder/model`."""
    from mlflow.models import Model
    from mlflow.pyfunc import add_to_model

    requirements = "".join(f"{library}=={version(library).split('+')[0]}\n" for library in _LIBRARIES)
    write_text(folder / "requirements.txt", requirements)
    _copy_tokenizer(folder)
    text_format = TextFormat.load(folder / MODEL)
    model = Model(metadata={"prompt_template": text_format.prompt_template})
    # The auto classes keep MLflow from trusting code that a model folder may bring.
    model.add_flavor(
        "transformers",
        task="text-generation",
        instance_type="TextGenerationPipeline",
        pipeline_model_type="AutoModelForCausalLM",
        model_binary=MODEL,
        source_model_name="",
        components=["tokenizer"],
        tokenizer_type="AutoTokenizer",
        transformers_version=version("transformers"),
        code=None,
    )
    model.signature = signature_of(text_format)
    # MLflow's own loader would leave out the prompt's template and read special tokens in a prompt as such.
    add_to_model(model, loader_module="components.tracking.serving")
    model.save(str(folder / "MLmodel"))


def _copy_tokenizer(folder: Path) -> None:
    target = folder / _TOKENIZER
    target.mkdir(parents=True)
    for path in (folder / MODEL).iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            shutil.copyfile(path, target / path.name)
