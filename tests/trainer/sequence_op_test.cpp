// Ops of sequences against LibTorch's own modules, or written out by hand.
#include "trainer/sequence_op.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "space/blocks.h"
#include "space/network_builder.h"
#include "space/rng.h"
#include "trainer/module.h"

namespace hwnas::testing {
namespace {

namespace nn = torch::nn;
using at::Tensor;

Tensor noise(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  Rng rng(seed);
  Tensor x = torch::empty(sizes);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return x;
}

// batch x tokens x channels, as LibTorch's modules have it, to batch x channels x tokens x 1.
Tensor to_maps(const Tensor& x) {
  return x.transpose(1, 2).unsqueeze(3);
}
Tensor to_rows(const Tensor& x) {
  return x.squeeze(3).transpose(1, 2);
}

void expect_close(const Tensor& a, const Tensor& b, const std::string& what = "") {
  ASSERT_EQ(a.sizes(), b.sizes()) << what;
  EXPECT_TRUE(torch::allclose(a, b, 1e-4, 1e-5))
      << what << " differs by " << (a - b).abs().max().item<float>();
}

template <typename Add>
Module made(Shape input, Add add) {
  NetworkBuilder builder("t", input);
  add(builder);
  return Module(std::move(builder).build(), 5);
}

// Module starts some at zero, which would hide what they multiply.
void draw_all(Module& module) {
  const torch::NoGradGuard no_grad;
  std::uint64_t seed = 100;
  for (const auto& [name, value] : module.parameters())
    value.copy_(noise(value.sizes().vec(), ++seed) * 0.5);
}

TEST(SequenceOp, LayerNormIsLibTorchs) {
  Module module = made({6, 5, 1}, [](NetworkBuilder& b) { b.unary(0, Op::layer_norm); });
  ASSERT_EQ(module.parameters().size(), 2u);
  {
    const torch::NoGradGuard no_grad;
    module.parameters()[0].second.copy_(noise({6}, 1));
    module.parameters()[1].second.copy_(noise({6}, 2));
  }
  const Tensor x = noise({3, 5, 6}, 3);
  expect_close(to_rows(module.forward(to_maps(x))),
               torch::layer_norm(x, {6}, noise({6}, 1), noise({6}, 2)));
}

TEST(SequenceOp, RmsNormDividesByTheRootOfTheMeanSquare) {
  Module module = made({2, 1, 1}, [](NetworkBuilder& b) { b.unary(0, Op::rms_norm); });
  // Squares of 3 and 4: mean 12.5.
  const Tensor y = module.forward(torch::tensor({3.f, 4.f}).view({1, 2, 1, 1})).flatten();
  expect_close(y, torch::tensor({3.f, 4.f}) / std::sqrt(12.5f));
}

TEST(SequenceOp, EmbeddingLooksUpAndPositionsAreAdded) {
  Module module = made({1, 3, 1}, [](NetworkBuilder& b) {
    b.with_entries(b.embedding(0, 4, 7), Op::position_embedding, 5);
  });
  const auto parameters = module.parameters();
  ASSERT_EQ(parameters.size(), 2u);
  const Tensor words = parameters[0].second, places = parameters[1].second;
  EXPECT_EQ(words.sizes(), (std::vector<std::int64_t>{7, 4}));
  EXPECT_EQ(places.sizes(), (std::vector<std::int64_t>{5, 4}));  // two of them of no use here
  const Tensor y = to_rows(module.forward(torch::tensor({6.f, 0.f, 6.f}).view({1, 1, 3, 1})));
  for (const auto& [token, word] : {std::pair{0, 6}, {1, 0}, {2, 6}})
    expect_close(y[0][token], words[word] + places[token]);
}

TEST(SequenceOp, TokensComeBeforeAnImagesAndOneCanBeSelected) {
  const auto add = [](NetworkBuilder& b) { b.with_entries(0, Op::tokens, 2); };
  Module module = made({3, 2, 2}, add);
  const Tensor image = noise({2, 3, 2, 2}, 4), learned = module.parameters()[0].second;
  const Tensor y = module.forward(image);
  ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{2, 3, 6, 1}));
  expect_close(to_rows(y)[1].slice(0, 0, 2), learned);
  expect_close(y[1].slice(1, 2).flatten(1), image[1].flatten(1));
  Module first = made({3, 6, 1}, [](NetworkBuilder& b) { b.unary(0, Op::select_token); });
  expect_close(first.forward(y), y.slice(2, 0, 1));
}

// input of 3 * width channels -> linear layers that pick queries, keys and values -> attention.
Module attention(int width, int heads, int tokens, bool causal) {
  return made({width, tokens, 1}, [=](NetworkBuilder& b) {
    const int queries = b.linear(0, width), keys = b.linear(0, width), values = b.linear(0, width);
    b.linear(b.attention(queries, keys, values, heads, 0, causal), width);
  });
}

// Gives LibTorch's module the weights of ours.
nn::MultiheadAttention peer_of(const Module& module, int width, int heads) {
  nn::MultiheadAttention peer(width, heads);
  std::vector<Tensor> weights, biases;
  for (const auto& [name, value] : module.parameters())
    (value.dim() > 1 ? weights : biases).push_back(value.detach());
  const torch::NoGradGuard no_grad;
  peer->in_proj_weight.copy_(torch::cat({weights[0], weights[1], weights[2]}));
  peer->in_proj_bias.copy_(torch::cat({biases[0], biases[1], biases[2]}));
  peer->out_proj->weight.copy_(weights[3]);
  peer->out_proj->bias.copy_(biases[3]);
  return peer;
}

TEST(SequenceOp, AttentionAndItsGradientsAreLibTorchs) {
  constexpr int kWidth = 12, kTokens = 7;
  for (const int heads : {1, 3}) {
    for (const bool causal : {false, true}) {
      Module module = attention(kWidth, heads, kTokens, causal);
      nn::MultiheadAttention peer = peer_of(module, kWidth, heads);
      const Tensor x = noise({2, kTokens, kWidth}, 6), target = noise({2, kTokens, kWidth}, 7);
      const Tensor y = to_rows(module.forward(to_maps(x)));
      // To be added to the scores, also where it is made of truth values.
      const Tensor later = torch::full({kTokens, kTokens}, -INFINITY).triu(1);
      const Tensor first = x.transpose(0, 1);  // tokens x batch x channels
      const Tensor peers =
          std::get<0>(peer->forward(first, first, first, {}, false, causal ? later : Tensor()))
              .transpose(0, 1);
      expect_close(y, peers);
      (y * target).sum().backward();
      (peers * target).sum().backward();
      std::vector<Tensor> gradients;
      for (const auto& [name, value] : module.parameters()) {
        if (value.dim() > 1) gradients.push_back(value.grad());
      }
      const Tensor in = torch::cat({gradients[0], gradients[1], gradients[2]});
      expect_close(in, peer->in_proj_weight.grad(), "gradient of queries, keys and values");
      expect_close(gradients[3], peer->out_proj->weight.grad(), "gradient behind attention");
    }
  }
}

// Two heads of queries for each of keys and values: as if these were there twice.
TEST(SequenceOp, HeadsOfKeysAndValuesMayBeShared) {
  const auto module = [](bool shared) {
    return made({12, 5, 1}, [=](NetworkBuilder& b) {
      const int kv = shared ? 4 : 8;
      const int queries = b.linear(0, 8, false), keys = b.linear(0, kv, false),
                values = b.linear(0, kv, false);
      b.attention(queries, keys, values, 4, 0, true);
    });
  };
  Module few = module(true), all = module(false);
  const auto own = few.parameters(), theirs = all.parameters();
  const torch::NoGradGuard no_grad;
  theirs[0].second.copy_(own[0].second);
  for (const std::size_t i : {1u, 2u}) {
    const Tensor heads = own[i].second.view({2, 2, 12});  // two heads of two channels
    theirs[i].second.copy_(torch::stack({heads[0], heads[0], heads[1], heads[1]}).view({8, 12}));
  }
  const Tensor x = to_maps(noise({2, 5, 12}, 8));
  expect_close(few.forward(x), all.forward(x));
}

TEST(SequenceOp, ABlockWithNormsBehindIsLibTorchsEncoderLayer) {
  constexpr int kWidth = 8, kTokens = 6;
  Module module = made({kWidth, kTokens, 1}, [](NetworkBuilder& b) {
    append_block(b, "t", 0,
                 {.block = Block::transformer,
                  .expansion = 3,
                  .activation = Activation::gelu,
                  .norm = Norm::layer,
                  .bias = true,
                  .heads = 2,
                  .prenorm = false});
  });
  draw_all(module);
  nn::TransformerEncoderLayer peer(nn::TransformerEncoderLayerOptions(kWidth, 2)
                                       .dim_feedforward(3 * kWidth)
                                       .dropout(0)
                                       .activation(torch::kGELU));
  std::map<std::string, Tensor> ours;
  for (const auto& [name, value] : module.parameters()) ours[name] = value.detach();
  const auto part = [&](const char* what) {
    return torch::cat({ours.at(std::string("t.query.linear.") + what),
                       ours.at(std::string("t.key.linear.") + what),
                       ours.at(std::string("t.value.linear.") + what)});
  };
  {
    const torch::NoGradGuard no_grad;
    peer->self_attn->in_proj_weight.copy_(part("weight"));
    peer->self_attn->in_proj_bias.copy_(part("bias"));
    peer->self_attn->out_proj->weight.copy_(ours.at("t.proj.linear.weight"));
    peer->self_attn->out_proj->bias.copy_(ours.at("t.proj.linear.bias"));
    peer->linear1->weight.copy_(ours.at("t.ffn1.linear.weight"));
    peer->linear1->bias.copy_(ours.at("t.ffn1.linear.bias"));
    peer->linear2->weight.copy_(ours.at("t.ffn2.linear.weight"));
    peer->linear2->bias.copy_(ours.at("t.ffn2.linear.bias"));
    peer->norm1->weight.copy_(ours.at("t.attention.layer_norm.weight"));
    peer->norm1->bias.copy_(ours.at("t.attention.layer_norm.bias"));
    peer->norm2->weight.copy_(ours.at("t.ffn.layer_norm.weight"));
    peer->norm2->bias.copy_(ours.at("t.ffn.layer_norm.bias"));
  }
  const Tensor x = noise({3, kTokens, kWidth}, 9);
  expect_close(to_rows(module.forward(to_maps(x))),
               peer->forward(x.transpose(0, 1)).transpose(0, 1));
}

Module language_model(bool causal) {
  return made({1, 8, 1}, [=](NetworkBuilder& b) {
    int x = append_block(b, "e", 0,
                         {.block = Block::embedding,
                          .channels = 16,
                          .norm = Norm::none,
                          .vocabulary = 11,
                          .positions = 8});
    for (const char* name : {"1", "2"}) {
      x = append_block(b, name, x,
                       {.block = Block::transformer,
                        .expansion = 2,
                        .activation = Activation::gelu,
                        .norm = Norm::layer,
                        .bias = true,
                        .heads = 4,
                        .causal = causal});
    }
    append_block(b, "head", x, {.block = Block::token_classifier, .classes = 11});
  });
}

// Whether changing token `changed` changes the logits of each token.
std::vector<bool> reached(Module& module, int changed) {
  const torch::NoGradGuard no_grad;
  Tensor text = torch::tensor({3.f, 1.f, 4.f, 1.f, 5.f, 9.f, 2.f, 6.f}).view({1, 1, 8, 1});
  const Tensor before = module.forward(text).clone();
  text[0][0][changed][0] = 10;
  const Tensor after = module.forward(text);
  std::vector<bool> differs;
  for (int token = 0; token < 8; ++token)
    differs.push_back(!before.select(2, token).equal(after.select(2, token)));
  return differs;
}

TEST(SequenceOp, NoLogitDependsOnALaterToken) {
  Module causal = language_model(true), open = language_model(false);
  draw_all(causal);
  draw_all(open);
  for (int changed = 0; changed < 8; ++changed) {
    const std::vector<bool> differs = reached(causal, changed);
    for (int token = 0; token < 8; ++token)
      EXPECT_EQ(differs[static_cast<std::size_t>(token)], token >= changed)
          << "token " << changed << " changed, logits of token " << token;
    EXPECT_EQ(reached(open, changed), std::vector<bool>(8, true));
  }
}

// What ends in a sum starts at zero, so that each block starts as the identity; nothing else does.
TEST(SequenceOp, BlocksStartAsTheIdentity) {
  Module module = made({8, 4, 1}, [](NetworkBuilder& b) {
    const int x = append_block(b, "t", 0,
                               {.block = Block::transformer,
                                .activation = Activation::gelu,
                                .norm = Norm::layer,
                                .bias = true,
                                .heads = 2});
    append_block(b, "head", x, {.block = Block::token_classifier, .classes = 3});
  });
  int zeros = 0;
  Tensor head;
  for (const auto& [name, value] : module.parameters()) {
    if (value.dim() > 1 && value.abs().sum().item<float>() == 0) ++zeros;
    if (name == "head.linear.weight") head = value;
  }
  EXPECT_EQ(zeros, 2);
  const Tensor x = noise({2, 4, 8}, 1);
  expect_close(to_rows(module.forward(to_maps(x))), torch::linear(x, head));
}

TEST(SequenceOp, CachedTokensCannotBeTrained) {
  Module module = made({4, 3, 1}, [](NetworkBuilder& b) {
    b.set_prefix("a");
    b.attention(0, 0, 0, 2, 16);
  });
  try {
    module.forward(noise({1, 4, 3, 1}, 1));
    FAIL() << "no error";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "layer 'a.attention' (attention): keeps 16 earlier tokens, which only a deployed "
                 "network has");
  }
}

}  // namespace
}  // namespace hwnas::testing
