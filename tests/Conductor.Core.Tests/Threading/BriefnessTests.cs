using Conductor.Threading;

namespace Conductor.Tests.Threading;

public sealed class BriefnessTests
{
    /// <summary>B for a time that was brief, L for a long one.</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData("L", false)]
    [InlineData("B", true)]
    [InlineData("BL", true)]
    [InlineData("BLL", false)]
    [InlineData("BLLB", true)]
    [InlineData("BLBL", true)]
    [InlineData("LLLBLL", false)]
    public void IsBrief_WhenOneOfTheLastTwoTimesWas(string times, bool expected)
    {
        var briefness = default(Briefness);

        foreach (var time in times)
        {
            briefness.Note(time == 'B');
        }

        briefness.IsBrief.Should().Be(expected);
    }
}
