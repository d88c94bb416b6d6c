"""The published networks in PyTorch: torchvision's and timm's, and those for pictures of 32 x 32 as they are usually written."""

import torch
from torch import nn


class FeaturesAndClassifier(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def lenet(channels=1, padding=2):
    return FeaturesAndClassifier(
        [nn.Conv2d(channels, 6, 5, padding=padding), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
         nn.AvgPool2d(2)],
        [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)])


def lenet_sequential():
    net = lenet()
    return nn.Sequential(*net.features, nn.Flatten(), *net.classifier)


def alexnet_32():
    pool = lambda: nn.MaxPool2d(2)
    return FeaturesAndClassifier(
        [nn.Conv2d(3, 64, 11, 4, 5), nn.ReLU(), pool(), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool(),
         nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
         nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool()], [nn.Linear(256, 10)])


def vgg_32(counts):
    features, channels = [], 3
    for count, units in zip(counts, (64, 128, 256, 512, 512)):
        for _ in range(count):
            features += [nn.Conv2d(channels, units, 3, padding=1), nn.BatchNorm2d(units), nn.ReLU()]
            channels = units
        features.append(nn.MaxPool2d(2))
    return FeaturesAndClassifier(features, [nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)])


class Basic(nn.Module):
    def __init__(self, channels, units, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, units, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(units)
        self.conv2 = nn.Conv2d(units, units, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(units)
        self.downsample = None
        if stride != 1 or channels != units:
            self.downsample = nn.Sequential(nn.Conv2d(channels, units, 1, stride, bias=False), nn.BatchNorm2d(units))

    def forward(self, x):
        main = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(main + (self.downsample(x) if self.downsample else x))


class SmallResNet(nn.Module):
    def __init__(self, counts, widths):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        channels = widths[0]
        for group, (count, units) in enumerate(zip(counts, widths), 1):
            blocks = []
            for block in range(count):
                blocks.append(Basic(channels, units, 2 if block == 0 and group > 1 else 1))
                channels = units
            setattr(self, f"layer{group}", nn.Sequential(*blocks))
        self.groups = len(counts)
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for group in range(1, self.groups + 1):
            x = getattr(self, f"layer{group}")(x)
        return self.fc(x.mean((2, 3)))


def mobilenet_v2_32():
    import torchvision
    net = torchvision.models.mobilenet_v2(num_classes=10)
    net.features[0][0].stride = (1, 1)
    net.features[2].conv[1][0].stride = (1, 1)
    return net


def efficientnet_b0(classes=1000):
    import torchvision
    net = torchvision.models.efficientnet_b0(num_classes=classes, stochastic_depth_prob=0.0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            # torchvision counts the outputs of all groups, which leaves deviations of 0.02 where parity.py shifts means by 0.1.
            nn.init.kaiming_normal_(module.weight)
    return net


def efficientnet_b0_32():
    net = efficientnet_b0(10)
    net.features[0][0].stride = (1, 1)
    net.features[2][0].block[1][0].stride = (1, 1)
    return net


def googlenet():
    import torchvision
    net = torchvision.models.googlenet(aux_logits=False, init_weights=False)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5  # as our own by default
    return net


def densenet121_32():
    import torchvision
    net = torchvision.models.densenet121(num_classes=10)
    net.features.conv0 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.features.pool0 = nn.Identity()
    return net


def squeezenet_32():
    import torchvision
    net = torchvision.models.squeezenet1_1(num_classes=10)
    net.features[0].stride, net.features[0].padding = (1, 1), (1, 1)
    for module in net.features:
        if isinstance(module, nn.MaxPool2d):
            module.padding, module.ceil_mode = 1, False
    return net


def torchvision_model(name):
    def make():
        import torchvision
        return getattr(torchvision.models, name)()
    return make


def timm_model(name):
    def make():
        import timm
        return timm.create_model(name, pretrained=False)
    return make


# Name: how to make it, pixels, channels, naming scheme of its tensors.
MODELS = {
    "lenet": (lenet, 28, 1, "features"),
    "lenet_sequential": (lenet_sequential, 28, 1, "sequential"),
    "lenet_32": (lambda: lenet(3, 0), 32, 3, "features"),
    "alexnet_32": (alexnet_32, 32, 3, "features"),
    "vgg11_32": (lambda: vgg_32((1, 1, 2, 2, 2)), 32, 3, "features"),
    "resnet20": (lambda: SmallResNet((3, 3, 3), (16, 32, 64)), 32, 3, "resnet"),
    "resnet56": (lambda: SmallResNet((9, 9, 9), (16, 32, 64)), 32, 3, "resnet"),
    "resnet18_32": (lambda: SmallResNet((2, 2, 2, 2), (64, 128, 256, 512)), 32, 3, "resnet"),
    "mobilenet_v2_32": (mobilenet_v2_32, 32, 3, "mobilenet_v2"),
    "efficientnet_b0_32": (efficientnet_b0_32, 32, 3, "efficientnet"),
    "densenet121_32": (densenet121_32, 32, 3, "densenet"),
    "squeezenet_32": (squeezenet_32, 32, 3, "squeezenet"),
    "alexnet": (torchvision_model("alexnet"), 224, 3, "features"),
    "vgg11": (torchvision_model("vgg11_bn"), 224, 3, "features"),
    "vgg16": (torchvision_model("vgg16_bn"), 224, 3, "features"),
    "resnet18": (torchvision_model("resnet18"), 224, 3, "resnet"),
    "resnet18_timm": (timm_model("resnet18"), 224, 3, "resnet"),
    "resnet34": (torchvision_model("resnet34"), 224, 3, "resnet"),
    "resnet50": (torchvision_model("resnet50"), 224, 3, "resnet"),
    "googlenet": (googlenet, 224, 3, "googlenet"),
    "densenet121": (torchvision_model("densenet121"), 224, 3, "densenet"),
    "squeezenet": (torchvision_model("squeezenet1_1"), 224, 3, "squeezenet"),
    "mobilenet_v2": (torchvision_model("mobilenet_v2"), 224, 3, "mobilenet_v2"),
    "efficientnet_b0": (efficientnet_b0, 224, 3, "efficientnet"),
}
