using Conductor.Policies;

namespace Conductor.Tests.Policies;

/// <summary>What the engine knows of its policies: whose they are, what they judge, and whom a denial concerns.</summary>
public sealed class PolicyKindsTests
{
    private static readonly GatePolicyContext _gate = new() { Phase = WorkflowPhase.Development };
    private static readonly DispatchPolicyContext _dispatch = new() { Task = new TaskDefinition { AgentType = AgentType.Coding } };

    private readonly PolicyEngine _engine = new();

    [Fact]
    public void AreAllOurs_OneOfAnApplicationAmongOthers_IsFalseUntilItGoes()
    {
        _engine.AreAllOurs.Should().BeTrue();
        _engine.RegisterPolicy(new MaxConcurrentTasksPolicy(1));
        _engine.AreAllOurs.Should().BeTrue();

        _engine.RegisterPolicy(new Own("own", judges: static _ => true));

        _engine.AreAllOurs.Should().BeFalse();
        _engine.RegisterPolicy(new Own("other", judges: static _ => true));
        _engine.UnregisterPolicy("own");
        _engine.AreAllOurs.Should().BeFalse();
        _engine.UnregisterPolicy("other");
        _engine.AreAllOurs.Should().BeTrue();
    }

    [Fact]
    public void JudgesByNumbersAlone_OurGate_IsTrue()
    {
        _engine.JudgesByNumbersAlone(_gate).Should().BeTrue();
        _engine.RegisterPolicy(new PhaseGatePolicy(0.5));
        _engine.RegisterPolicy(new MaxConcurrentTasksPolicy(1));
        _engine.RegisterPolicy(new Own("own", static context => context is DispatchPolicyContext));

        _engine.JudgesByNumbersAlone(_gate).Should().BeTrue();
    }

    /// <summary>One that cannot say is asked.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void JudgesByNumbersAlone_OneOfAnApplicationJudgesGates_IsFalse(bool throws)
    {
        _engine.RegisterPolicy(new PhaseGatePolicy(0.5));
        _engine.RegisterPolicy(new Own("own", _ => throws ? throw new InvalidTimeZoneException("nowhere") : true));

        _engine.JudgesByNumbersAlone(_gate).Should().BeFalse();
    }

    /// <summary>What another policy's coming or going leaves alone.</summary>
    [Fact]
    public void DefaultTimeout_OtherPoliciesComeAndGo_IsTheTimeoutPolicys()
    {
        _engine.RegisterPolicy(new TaskTimeoutPolicy(TimeSpan.FromSeconds(7)));

        _engine.RegisterPolicy(new MaxConcurrentTasksPolicy(1));
        _engine.DefaultTimeout.Should().Be(TimeSpan.FromSeconds(7));
        _engine.UnregisterPolicy("max_concurrent_tasks").Should().BeTrue();
        _engine.DefaultTimeout.Should().Be(TimeSpan.FromSeconds(7));
        _engine.UnregisterPolicy("task_timeout").Should().BeTrue();
        _engine.DefaultTimeout.Should().Be(TaskDefinition.DefaultTimeout);
    }

    /// <summary>What it says counts more than what it has looked at.</summary>
    [Theory]
    [InlineData(PolicyTarget.Task, true, false)]
    [InlineData(PolicyTarget.Candidate, false, true)]
    [InlineData(PolicyTarget.Automatic, true, true)]
    [InlineData(PolicyTarget.Automatic, false, false)]
    public async Task FindDenialAsync_OfATarget_ConcernsTheCandidateOrTheTask(PolicyTarget target, bool looksAtCandidate, bool concernsCandidate)
    {
        _engine.RegisterPolicy(new Own("own", static _ => true) { Aim = target, LooksAtCandidate = looksAtCandidate });

        var verdict = await _engine.FindDenialAsync(_dispatch with { Round = 1 }, CancellationToken.None);

        verdict.ConcernsCandidate.Should().Be(concernsCandidate);
        verdict.IsOfCountsAlone.Should().BeFalse();
    }

    [Fact]
    public async Task FindDenialAsync_OfOurLimit_IsOfCountsAlone()
    {
        _engine.RegisterPolicy(new MaxConcurrentTasksPolicy(1));

        (await _engine.FindDenialAsync(_dispatch with { RunningTasks = 1 }, CancellationToken.None)).IsOfCountsAlone.Should().BeTrue();
    }

    /// <summary>Denies.</summary>
    private sealed class Own(string name, Func<PolicyContext, bool> judges) : Policy
    {
        public override string Name => name;

        public override string Description => "for a test";

        public override PolicyTarget Target => Aim;

        public PolicyTarget Aim { get; init; }

        public bool LooksAtCandidate { get; init; }

        public override bool Judges(PolicyContext context) => judges(context);

        protected override ValueTask<PolicyResult> EvaluateCoreAsync(PolicyContext context, CancellationToken cancellationToken)
        {
            _ = LooksAtCandidate ? ((DispatchPolicyContext)context).Candidate : null;
            return new(PolicyResult.Deny(name, "no"));
        }
    }
}
