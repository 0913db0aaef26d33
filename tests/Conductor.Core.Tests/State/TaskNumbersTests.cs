using Conductor.State;

namespace Conductor.Tests.State;

public sealed class TaskNumbersTests
{
    private static readonly WorkflowDefinition _definition = new()
    {
        Name = "defined",
        Tasks = [.. new[] { "a", "b", "c" }.Select(static id => new TaskDefinition { Id = id, AgentType = AgentType.Coding })],
    };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void TryFindNext_WhateverIsExpected_FindsTheTask_AndExpectsTheOneBehind(int next)
    {
        TaskNumbers.Of(_definition).TryFindNext(new string('b', 1), ref next, out var number).Should().BeTrue();

        number.Should().Be(1);
        next.Should().Be(2);
    }

    [Fact]
    public void TryFindNext_UnknownTask_LeavesTheGuess()
    {
        var next = 1;

        TaskNumbers.Of(_definition).TryFindNext("unknown", ref next, out _).Should().BeFalse();

        next.Should().Be(1);
    }

    [Fact]
    public void Copy_AddedTo_LeavesTheDefinitionsOwn()
    {
        var copy = TaskNumbers.Of(_definition).Copy();

        copy.Add("d").Should().Be(3);

        copy.TryFind("d", out var number).Should().BeTrue();
        copy[number].Should().Be("d");
        copy.TryFind("b", out number).Should().BeTrue();
        number.Should().Be(1);
        TaskNumbers.Of(_definition).Count.Should().Be(3);
        TaskNumbers.Of(_definition).TryFind("d", out _).Should().BeFalse();
    }

    [Fact]
    public void DefinitionThatNamesATaskTwice_HasItOnce()
    {
        var twice = _definition with { Tasks = [.. _definition.Tasks, _definition.Tasks[0], new TaskDefinition { Id = "d", AgentType = AgentType.Coding }] };

        var numbers = TaskNumbers.Of(twice);

        numbers.Count.Should().Be(4);
        numbers.TryFind("a", out var first).Should().BeTrue();
        numbers.TryFind("d", out var last).Should().BeTrue();
        (first, last).Should().Be((0, 3));
    }
}
