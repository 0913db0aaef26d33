using Conductor.Policies;

namespace Conductor.Tests.Policies;

/// <summary>Contexts are compared by what they say.</summary>
public sealed class PolicyContextTests
{
    private static readonly Own _context = new() { WorkflowId = "run", Round = 1 };

    public static TheoryData<PolicyContext?> Others => new()
    {
        null,
        _context with { WorkflowId = "other" },
        _context with { Round = 2 },
        _context with { Properties = new Dictionary<string, TaskData> { ["a"] = "b" } },
        new Other { WorkflowId = "run", Round = 1 },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void Equals_AnotherKindOrWord_IsFalse(PolicyContext? other) => _context.Equals(other).Should().BeFalse();

    /// <summary>What a policy has looked at makes no difference.</summary>
    [Fact]
    public void Equals_TheSameWords_IsTrue()
    {
        var same = new Own { WorkflowId = "run", Round = 1, LooksAtCandidate = true };

        _context.Equals((PolicyContext)same).Should().BeTrue();
        same.GetHashCode().Should().Be(_context.GetHashCode());
    }

    private sealed record Own : PolicyContext;

    private sealed record Other : PolicyContext;
}
