"""The Chinese texts of the documentation, with the settings that it recommends, teach which words belong together."""

from pathlib import Path

import numpy as np
import pytest

from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.settings import TextSettings, TrainingSettings
from tfgraphs.word2vec.text.chinese import simplified
from tfgraphs.word2vec.text.corpus import prepare
from tfgraphs.word2vec.train import train

TEXTS = Path(__file__).resolve().parents[2] / "docs" / "texts"
GROUPS = [
    "国王 王后 王子 公主 女王",
    "爸爸 妈妈 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹",
    "苹果 香蕉 橘子 葡萄 西瓜 桃子 草莓",
    "茶 咖啡 牛奶 果汁 啤酒 豆浆",
    "老虎 狮子 大象 熊猫 猴子",
    "北京 东京 巴黎 柏林 伦敦 罗马 莫斯科 马德里",
    "中国 日本 法国 德国 英国 意大利 俄罗斯 西班牙",
    "春天 夏天 秋天 冬天",
    "米饭 面条 饺子 包子",
]


@pytest.mark.parametrize(("name", "seed"), [("family.zh.txt", 0), ("family.zh.txt", 1), ("family.zh-hant.txt", 2)])
def test_the_nearest_words_are_of_the_same_kind(tmp_path, name, seed):
    corpus = prepare([str(TEXTS / name)], TextSettings("jieba", min_count=2), tmp_path / "numbers")
    model = Word2Vec(corpus.vocabulary, TrainingSettings(epochs=30, subsample=0.01, seed=seed, workers=1))
    for _ in train(model, corpus):
        pass
    vectors = model.vectors()
    spelled = {simplified(word): word for word in vectors.words}
    shares = []
    for group in (set(group.split()) for group in GROUPS):
        found = [vectors.nearest([spelled[word]], 3) for word in sorted(group)]
        right = np.array([[simplified(neighbour.word) in group for neighbour in nearest] for nearest in found])
        assert right.any(axis=1).all()
        shares.append(right.mean())
    assert min(shares) > 0.55
    assert np.mean(shares) > 0.85
